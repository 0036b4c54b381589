# syntax=docker/dockerfile:1
# Builds the program, its dictionary included, and puts it with rules and models into a small image that runs without root.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# What .dockerignore lets through.
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin mimamori \
    && install -D --strip target/release/mimamori /out/mimamori

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /var/lib/mimamori mimamori \
    && install -d -o mimamori -g mimamori /var/lib/mimamori
# The program finds rules/, models/ and fixtures/ in the folder above its own.
COPY --from=build /out/mimamori /opt/mimamori/bin/mimamori
COPY rules /opt/mimamori/rules
COPY models /opt/mimamori/models
COPY fixtures /opt/mimamori/fixtures
# The dictionary inside the binary may be passed on only with its licence.
COPY LICENSE dictionary/IPADIC-COPYING /opt/mimamori/licences/
USER mimamori
WORKDIR /var/lib/mimamori
# 8080: console; 9464: /healthz, /readyz and /metrics of a worker.
EXPOSE 8080 9464
# A worker drains on SIGTERM for up to worker.drain_timeout_ms.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/mimamori/bin/mimamori"]
CMD ["worker"]
