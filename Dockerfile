# The image that `make image` writes without Docker: the program, its libraries, CA certificates, the OWASP Core Rule Set, and no
# shell.
#   docker build --tag adit.dev/adit:0.1.0 .
FROM rust:1-bookworm AS build
# The C parts: cmake for the TLS library, zlib and the allocator; setcap for the program.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends cmake libcap2-bin \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD): what `adit --version` says beside the version.
ARG COMMIT=
ENV ADIT_COMMIT=$COMMIT
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin adit \
    && cp target/release/adit /adit
# Whoever is not root gets a capability from the file alone. BuildKit and Buildah copy it along with the file.
RUN setcap cap_net_bind_service=+ep /adit

# The OWASP Core Rule Set, for the annotation enable-owasp-core-rules.
FROM golang:1-bookworm AS core-rules
COPY manifests/core-rules /core-rules
RUN /core-rules/install /owasp-crs

# Of the same Debian, hence the same glibc; with libgcc and CA certificates, and the user nonroot (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /adit /adit
COPY --from=core-rules /owasp-crs /etc/adit/owasp-crs
USER 65532:65532
EXPOSE 80 443 10254
ENTRYPOINT ["/adit"]
CMD ["serve"]
