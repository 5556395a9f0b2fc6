# The laptop's side in a container, for registries; without one the CLI makes the same from its own files
# (src/docker/image). Made from the repository's root after `npm run bundle`:
#   docker build --file images/telepresence.Dockerfile --tag REGISTRY/telepresence:VERSION .
FROM node:26-trixie-slim AS koffi
COPY package.json package-lock.json /from/
WORKDIR /from
RUN npm ci --ignore-scripts --omit=dev \
 && mkdir -p /app/node_modules \
 && cp -r node_modules/koffi node_modules/@koromix /app/node_modules/

FROM node:26-trixie-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates conntrack curl iproute2 nftables sshfs \
 && rm -rf /var/lib/apt/lists/*
COPY --from=koffi /app/node_modules /app/node_modules
COPY dist /app
RUN rm -rf /app/tel2 /app/tel2.mjs /app/image \
 && echo '{ "type": "module" }' >/app/package.json && ln -sf "$(command -v node)" /usr/bin/node \
 && for bundle in /app/*.mjs; do \
      name=$(basename "$bundle" .mjs); \
      printf '#!/bin/sh\nTELEPRESENCE_EXECUTABLE=/usr/local/bin/%s exec /usr/bin/node -- %s "$@"\n' \
        "$name" "$bundle" >"/usr/local/bin/$name" && chmod 755 "/usr/local/bin/$name"; \
    done \
 && printf '#!/bin/sh\ntrap "exit 0" TERM INT\nsleep 2147483647 &\nwait $!\n' >/usr/local/bin/pause \
 && chmod 755 /usr/local/bin/pause
ENV NODE_ENV=production TELEPRESENCE_IMAGE=telepresence
ENTRYPOINT ["telepresence"]
