# A static program in an empty image:  docker build -t sealcheck . && docker run --rm -v "$PWD:/input:ro" sealcheck /input/Acme.app
FROM rust:1-slim AS build
RUN rustup target add x86_64-unknown-linux-musl
WORKDIR /source
COPY . .
RUN cargo build --profile dist --locked --target x86_64-unknown-linux-musl

FROM scratch
COPY --from=build /source/target/x86_64-unknown-linux-musl/dist/sealcheck /sealcheck
ENTRYPOINT ["/sealcheck"]
