# The robot's image with `docker build`, for those who have base images at hand:
#
#   docker build -f compose/Dockerfile.robot --build-arg VERSION=0.0.1 -t robot-app:0.0.1 .
#
# scripts/build-image.sh makes the same image without an engine; this runs it on a fresh Debian and
# unpacks the layers that it made.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
	gcc make pkg-config libc6-dev libcurl4-openssl-dev libjansson-dev libarchive-dev libssl-dev \
	libgpiod-dev libmicrohttpd-dev binutils ca-certificates
COPY Makefile /src/
COPY lib /src/lib
COPY tools /src/tools
COPY scripts /src/scripts
WORKDIR /src
RUN make -j"$(nproc)" build/robot-serve build/healthcheck
ARG VERSION=0.0.0
RUN mkdir -p /image /root-fs \
	&& scripts/build-image.sh --output /image/robot.tar "$VERSION" \
	&& tar -C /image -xf /image/robot.tar \
	&& for layer in $(find /image/blobs -type f -exec gzip -t {} 2>/dev/null \; -print); do \
		tar -C /root-fs -xzpf "$layer" || exit 1; \
	done

FROM scratch
COPY --from=build /root-fs /
ARG VERSION=0.0.0
USER 10001:10001
ENV PATH=/bin APP_VERSION=$VERSION GANTRY_HANDOVER=1 PORT=5000
EXPOSE 5000/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=1s --retries=2 \
	CMD ["healthcheck", "-t", "2", "http+unix:///run/gantry/robot.sock:/health"]
LABEL io.gantry.handover=1 \
	org.opencontainers.image.title=robot-app \
	org.opencontainers.image.version=$VERSION \
	org.opencontainers.image.description="A robot's HTTP service: page, health and metrics" \
	org.opencontainers.image.licenses=Apache-2.0
CMD ["robot-serve"]
