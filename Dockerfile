# The pages, then a static binary that contains them, then an image of that alone. `gatehouse version` reports
# --build-arg VERSION=…, or else the commit.
FROM node:22-bookworm-slim AS playground
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
COPY clients/typescript/tsconfig.json ../clients/typescript/
COPY clients/typescript/src/ ../clients/typescript/src/
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=playground /src/web/dist/playground web/dist/playground
COPY --from=playground /src/web/dist/account web/dist/account
COPY --from=playground /src/web/dist/admin web/dist/admin
ARG VERSION
# Without VERSION the commit: .dockerignore leaves of .git what names it, which is too little for Go's own record.
RUN head=$(cat .git/HEAD 2>/dev/null); ref=${head#ref: }; \
    commit=$(if [ "$ref" = "$head" ]; then echo "$head"; else cat ".git/$ref" 2>/dev/null || \
        sed -n "s|^\([0-9a-f]*\) $ref\$|\1|p" .git/packed-refs 2>/dev/null; fi); \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /gatehouse \
    -ldflags "-s -w -X github.com/gatehouse/gatehouse/internal/cli.Version=${VERSION:-$commit}" .
RUN mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /gatehouse /gatehouse
COPY --from=build --chown=nonroot:nonroot /data /data
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/gatehouse", "health"]
ENTRYPOINT ["/gatehouse"]
