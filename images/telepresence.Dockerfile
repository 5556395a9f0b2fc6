# The laptop's side in a container, for `telepresence connect --docker`. Made from the
# repository's root after `npm run bundle`:
#   docker build --file images/telepresence.Dockerfile --tag telepresence/telepresence:VERSION .
FROM node:26-trixie-slim AS koffi
COPY package.json package-lock.json /from/
WORKDIR /from
RUN npm ci --ignore-scripts --omit=dev \
 && mkdir -p /app/node_modules \
 && cp -r node_modules/koffi node_modules/@koromix /app/node_modules/

FROM node:26-trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends conntrack iproute2 nftables \
 && rm -rf /var/lib/apt/lists/*
COPY --from=koffi /app/node_modules /app/node_modules
COPY dist /app
RUN rm -rf /app/tel2 /app/tel2.mjs \
 && echo '{ "type": "module" }' >/app/package.json && ln -sf "$(command -v node)" /usr/bin/node
ENV NODE_ENV=production TELEPRESENCE_IMAGE=telepresence
WORKDIR /app
ENTRYPOINT ["/usr/bin/node", "/app/telepresence.mjs"]
