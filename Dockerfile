# The Playground's page, then a static binary that contains it, then an image of that alone. `gatehouse version` reports
# --build-arg VERSION=…
FROM node:22-bookworm-slim AS playground
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=playground /src/web/dist/playground web/dist/playground
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -o /gatehouse \
    -ldflags "-s -w -X github.com/gatehouse/gatehouse/internal/cli.Version=$VERSION" .
RUN mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /gatehouse /gatehouse
COPY --from=build --chown=nonroot:nonroot /data /data
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["/gatehouse"]
