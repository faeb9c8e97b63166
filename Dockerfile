# The operator and the command line. For an image that comes out the same everywhere, name the base by its digest and the time:
#   docker buildx build --build-arg NODE_DIGEST=@sha256:… --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" \
#     --output type=image,name=rollcall,rewrite-timestamp=true .
# test/packaging/image.test.ts runs the stages below without a container engine.
ARG NODE_VERSION=24.21.0
ARG NODE_DIGEST=
ARG BASE=node:${NODE_VERSION}-trixie-slim${NODE_DIGEST}

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
RUN npm run build && find dist -name '*.d.ts' -delete

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What only a compiler, a debugger or a runtime other than Node.js would read is half of it.
RUN npm ci --omit=dev --ignore-scripts \
    && find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' -o -path '*/prebuilds/*.bare' \) -delete \
    && rm -r node_modules/@types \
    && find node_modules -type d -empty -delete

FROM ${BASE}
ENV NODE_ENV=production
# Every run has a thread of its own, and the C library would keep memory for each apart: some 15 MiB less at rest.
ENV MALLOC_ARENA_MAX=2
# So that it is there also where nothing is mounted.
WORKDIR /var/lib/rollcall/data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY crds crds
COPY package.json LICENSE ./
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["operator"]
