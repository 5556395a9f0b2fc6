# The traffic-manager and the traffic-agent. Made from the repository's root after `npm run bundle`:
#   docker build --file images/tel2.Dockerfile --tag telepresence/tel2:VERSION .
FROM node:26-trixie-slim AS koffi
COPY package.json package-lock.json /from/
WORKDIR /from
RUN npm ci --ignore-scripts --omit=dev \
 && mkdir -p /app/node_modules \
 && cp -r node_modules/koffi node_modules/@koromix /app/node_modules/

FROM node:26-trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nftables \
 && rm -rf /var/lib/apt/lists/*
COPY --from=koffi /app/node_modules /app/node_modules
COPY dist/tel2.mjs /app/tel2.mjs
COPY dist/tel2 /app/tel2
RUN echo '{ "type": "module" }' >/app/package.json && ln -sf "$(command -v node)" /usr/bin/node
ENV NODE_ENV=production TELEPRESENCE_IMAGE=tel2
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/usr/bin/node", "/app/tel2.mjs"]
