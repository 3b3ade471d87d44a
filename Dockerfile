# The program rsguard. The mock issuer of `rsguard conform` listens on loopback,
# so it shares the network of the API:
#
#   docker build -t rsguard .
#   docker run --rm --network host rsguard conform http://127.0.0.1:8080/orders
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /rsguard ./cmd/rsguard

# It has the authorities of the public web, which doctor and explain need.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /rsguard /rsguard
USER 65532:65532
WORKDIR /reports
ENTRYPOINT ["/rsguard"]
