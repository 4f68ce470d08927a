# A static binary in a small image that runs as an unprivileged user.
#   docker build --tag llm-prober .
#   docker run --publish 9829:9829 --volume "$PWD/llm-prober.yml:/etc/llm-prober/llm-prober.yml:ro" llm-prober

FROM rust:1.95-alpine AS build
WORKDIR /build
# ring and zstd compile a little C.
RUN apk add --no-cache musl-dev gcc
COPY Cargo.toml Cargo.lock ./
COPY alerts alerts
COPY benches benches
COPY config config
COPY src src
RUN cargo build --release --locked --bin llm-prober

# Alpine has root certificates for the targets' TLS and a wget for the health check.
FROM alpine:3.22
COPY --from=build /build/target/release/llm-prober /usr/local/bin/llm-prober
USER 65534:65534
EXPOSE 9829
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:9829/-/healthy"]
ENTRYPOINT ["/usr/local/bin/llm-prober"]
CMD ["--config.file=/etc/llm-prober/llm-prober.yml", "--web.listen-address=0.0.0.0:9829"]
