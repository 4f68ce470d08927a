# A small image that runs as an unprivileged user. With glibc, because a static binary cannot load the
# driver's library that `docker run --gpus=all` puts into the container.
#   docker build --tag llm-prober .
#   docker run --publish 9829:9829 --volume "$PWD/llm-prober.yml:/etc/llm-prober/llm-prober.yml:ro" llm-prober

FROM rust:1.95-slim-trixie@sha256:ee4fa026a11f9e8b1b00568364a880dc720409bb94b0e6800f63f974f9c909d5 AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY alerts alerts
COPY benches benches
COPY config config
COPY src src
COPY xtask xtask
RUN cargo build --release --locked --bin llm-prober

FROM debian:trixie-slim@sha256:3a39a0592364683e6bab97937b72cad5a8fa6dcbbee90edb3bb48c7f8e94f258
# Root certificates for the targets' TLS, a client for the health check.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates wget \
    && rm -rf /var/lib/apt/lists/*
# What the prober needs of the driver: its management library.
ENV NVIDIA_DRIVER_CAPABILITIES=utility
COPY --from=build /build/target/release/llm-prober /usr/local/bin/llm-prober
USER 65534:65534
EXPOSE 9829
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:9829/-/healthy"]
ENTRYPOINT ["/usr/local/bin/llm-prober"]
CMD ["--config.file=/etc/llm-prober/llm-prober.yml", "--web.listen-address=0.0.0.0:9829"]
