# syntax=docker/dockerfile:1
# Gantry's own image: one static-enough binary with the web interface inside, nothing else to run.
#
#   docker build --tag gantry .
#   docker run --publish 127.0.0.1:7777:7777 --volume gantry:/data gantry
#
# Images of agents are built through a Docker Engine: mount its socket (and read docs/architecture.md on
# what that means) with --volume /var/run/docker.sock:/var/run/docker.sock --group-add <its group>.

ARG DEBIAN=bookworm
# The version is the one in rust-toolchain.toml.
FROM rust:1.95-${DEBIAN} AS build
WORKDIR /src
RUN rustup target add wasm32-unknown-unknown
COPY . .
# dist/ first: the server embeds it. The caches keep dependencies between builds of this file.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/target,sharing=locked \
    export CARGO_TARGET_DIR=/target && \
    cargo xtask web --release && \
    cargo build --locked --profile dist --package gantry-cli && \
    install -D /target/dist/gantry /out/usr/local/bin/gantry
# What the binary needs around it: the C library that it is linked against, certificates to trust,
# names for the user, and directories that this user may write to.
RUN set -eu; \
    ldd /out/usr/local/bin/gantry | grep -o '/[^ ]*' | sort -u | while read -r library; do install -D "$library" "/out$library"; done; \
    install -D /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt; \
    echo 'gantry:x:10001:10001:Gantry:/data:/sbin/nologin' > /out/etc/passwd; \
    echo 'gantry:x:10001:' > /out/etc/group; \
    install -d -m 1777 /out/tmp; \
    install -d -m 0750 /data; \
    /out/usr/local/bin/gantry version

FROM scratch
COPY --from=build /out/ /
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
ENV PATH=/usr/local/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    GANTRY_LISTEN=0.0.0.0:7777 \
    GANTRY_DATA=/data
VOLUME /data
EXPOSE 7777
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD ["/usr/local/bin/gantry", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/gantry"]
CMD ["serve"]
LABEL org.opencontainers.image.title="Gantry" \
      org.opencontainers.image.description="Takes an AI agent from a sentence to a published image" \
      org.opencontainers.image.licenses="Apache-2.0"
