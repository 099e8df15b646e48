#!/usr/bin/env bats
# build-image.sh: the archive by itself, and what a real engine makes of it.
load helpers/common
load helpers/engine

setup_file() {
	start_site
	start_registry images
	export REGISTRY_IMAGES
	"$ROOT/scripts/build-image.sh" --output "$BATS_FILE_TMPDIR/one.tar" 0.0.1 >/dev/null
	"$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/one.tar" "$REGISTRY_IMAGES/robot-app:0.0.1" >/dev/null
	docker pull -q "$REGISTRY_IMAGES/robot-app:0.0.1" >/dev/null
}

teardown_file() {
	stop_site
	stop_all
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	PATH=$ROOT/scripts:$PATH
	ONE=$BATS_FILE_TMPDIR/one.tar
	IMAGE=$REGISTRY_IMAGES/robot-app:0.0.1
}

teardown() {
	docker rm -f robot >/dev/null 2>&1 || true
}

# unpack ARCHIVE: into ./oci; MANIFEST and CONFIG are its files.
unpack() {
	rm -rf oci
	mkdir oci
	tar -C oci -xf "$1"
	MANIFEST=oci/blobs/$(jq -r '.manifests[0].digest' oci/index.json | tr : /)
	CONFIG=oci/blobs/$(jq -r .config.digest "$MANIFEST" | tr : /)
}

# run_robot ARGUMENTS-FOR-docker-run...: the container robot, as the compose file runs it.
run_robot() {
	docker run -d --name robot --network host --read-only --tmpfs /run/gantry --cap-drop ALL \
		--security-opt no-new-privileges --health-interval 1s "$@" >/dev/null
}

health_is() {
	[ "$(docker inspect -f '{{.State.Health.Status}}' robot)" = "$1" ]
}

# --- command line -----------------------------------------------------------------------------

@test "--help" {
	run --separate-stderr -0 build-image.sh --help
	[ -z "$stderr" ]
	[[ $output == "usage: build-image.sh "* ]]
	for word in --sync --name --env --output SOURCE_DATE_EPOCH CA_FILE example exit; do
		[[ $output == *"$word"* ]]
	done
	[ "$(build-image.sh -h)" = "$output" ]
}

@test "wrong usage is 64 and says what" {
	wrong() { # MESSAGE ARGUMENT...
		local message=$1
		shift
		run --separate-stderr -64 build-image.sh "$@"
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = "build-image: $message" ]
		[[ ${stderr_lines[1]} == "usage: build-image.sh "* ]]
	}
	wrong "VERSION is missing"
	wrong "unknown option '--nmae'" --nmae x 1
	wrong "--name needs a value" 1 --name
	wrong "one VERSION only, not '2' too" 1 2
	wrong "'a b' cannot be a tag" 'a b'
	wrong "unknown option '-1'" -1
	wrong "'Robot' cannot be an image's name" --name Robot 1
	wrong "'a/../b' cannot be an image's name" --name a/../b 1
	wrong "--env must be KEY=VALUE, not '1X=2'" --env 1X=2 1
	wrong "--env 'X' has a control character" --env $'X=a\nb' 1
	SOURCE_DATE_EPOCH=now wrong "SOURCE_DATE_EPOCH must be a number, not 'now'" 1
}

@test "a missing program or certificate is 71, and nothing is left behind" {
	mkdir empty
	B=$PWD/empty run --separate-stderr -71 build-image.sh 1
	[ "$stderr" = "build-image: '$PWD/empty/robot-serve' is not there: run make first" ]
	CA_FILE=/nonexistent run --separate-stderr -71 build-image.sh 1
	[ "$stderr" = "build-image: '/nonexistent' is not there: install ca-certificates" ]
	[ -z "$(ls empty)" ]
}

@test "an output that cannot be written is 71, and no work is left" {
	# in a build folder where nobody else is at work
	mkdir -p own/images
	cp "$B/robot-serve" "$B/healthcheck" own
	cp -R "$B/images/cache" own/images
	B=$PWD/own run -71 build-image.sh --output /proc/x.tar 1
	touch file
	B=$PWD/own run -71 build-image.sh --output file/x.tar 1
	[ "$(ls own/images)" = cache ]
}

# --- the archive --------------------------------------------------------------------------------

@test "the path is printed; the default is in the build folder, by name and version" {
	run --separate-stderr -0 build-image.sh --name robot-test 9.9.9
	[ "$output" = "$B/images/robot-test-9.9.9.tar" ]
	[ -z "$stderr" ]
	[ -f "$output" ]
	rm "$output"
}

@test "the layout is whole: every digest and size is right, and nothing else is in it" {
	unpack "$ONE"
	[ "$(cat oci/oci-layout)" = '{"imageLayoutVersion":"1.0.0"}' ]
	jq -e '.schemaVersion == 2 and .mediaType == "application/vnd.oci.image.index.v1+json" and
		(.manifests | length) == 1 and .manifests[0].platform.os == "linux" and
		.manifests[0].annotations["org.opencontainers.image.ref.name"] == "0.0.1"' oci/index.json
	local digest size
	{
		jq -r '.manifests[] | "\(.digest) \(.size)"' oci/index.json
		jq -r '(.config, .layers[]) | "\(.digest) \(.size)"' "$MANIFEST"
	} >all
	[ "$(wc -l <all)" = 4 ]
	[ "$(find oci/blobs -type f | wc -l)" = 4 ]
	while read -r digest size; do
		[ "$(sha256sum "oci/blobs/${digest/:/\/}" | cut -d' ' -f1)" = "${digest#sha256:}" ]
		[ "$(stat -c %s "oci/blobs/${digest/:/\/}")" = "$size" ]
	done <all
	local i=0
	for digest in $(jq -r '.layers[].digest' "$MANIFEST"); do
		[ "sha256:$(gzip -dc "oci/blobs/${digest/:/\/}" | sha256sum | cut -d' ' -f1)" = \
			"$(jq -r ".rootfs.diff_ids[$i]" "$CONFIG")" ]
		i=$((i + 1))
	done
}

@test "at most 10 MB" {
	unpack "$ONE"
	local bytes
	bytes=$(jq '[.layers[].size] | add' "$MANIFEST")
	echo "# $bytes bytes compressed" >&3
	((bytes <= 10000000))
}

@test "the configuration is what engines and deploy look for" {
	unpack "$ONE"
	jq -e '.config | .User == "10001:10001" and .Cmd == ["robot-serve"] and .Entrypoint == null and
		.StopSignal == "SIGTERM" and .ExposedPorts == {"5000/tcp": {}} and
		.Env == ["PATH=/bin", "APP_VERSION=0.0.1", "GANTRY_HANDOVER=1", "PORT=5000"] and
		.Healthcheck.Test == ["CMD", "healthcheck", "-t", "2", "http+unix:///run/gantry/robot.sock:/health"] and
		.Labels["io.gantry.handover"] == "1" and
		.Labels["org.opencontainers.image.version"] == "0.0.1" and
		.Labels["org.opencontainers.image.title"] == "robot-app" and
		.Labels["org.opencontainers.image.licenses"] == "Apache-2.0"' "$CONFIG"
}

@test "--env adds and replaces, whatever is in the value" {
	build-image.sh --output x.tar --env LOG_DIR=/no --env PORT=8080 --env 'Q=a "b" \c $d é' \
		--env APP_VERSION=7 --env LOG_DIR=/yes 1.0
	unpack x.tar
	jq -e '.config.Env == ["PATH=/bin", "APP_VERSION=7", "GANTRY_HANDOVER=1", "PORT=8080",
		"LOG_DIR=/yes", "Q=a \"b\" \\c $d é"] and .config.ExposedPorts == {"8080/tcp": {}}' "$CONFIG"
}

@test "the same programs and options give the same bytes, wherever and whenever" {
	mkdir other
	cp "$B/robot-serve" "$B/healthcheck" other
	touch -d 2001-01-01 other/*
	(umask 077 && cd / && B=$BATS_TEST_TMPDIR/other TZ=Asia/Tokyo build-image.sh \
		--output "$BATS_TEST_TMPDIR/two.tar" 0.0.1)
	cmp "$ONE" two.tar
	SOURCE_DATE_EPOCH=1700000000 build-image.sh --output three.tar 0.0.1
	run ! cmp -s "$ONE" three.tar
	unpack three.tar
	[ "$(jq -r .created "$CONFIG")" = 2023-11-14T22:13:20Z ]
}

@test "versions share the layer with the libraries" {
	build-image.sh --output two.tar 0.0.2
	unpack "$ONE"
	jq -r '.layers[].digest' "$MANIFEST" >1
	unpack two.tar
	jq -r '.layers[].digest' "$MANIFEST" >2
	cmp 1 2
	[ "$(jq -r '.layers | length' "$MANIFEST")" = 2 ]
}

@test "files belong to root, are not writable, and /run/gantry is the robot's" {
	unpack "$ONE"
	for digest in $(jq -r '.layers[].digest' "$MANIFEST"); do
		tar --numeric-owner -tvzf "oci/blobs/${digest/:/\/}"
	done >list
	grep -qE '^-rwxr-xr-x 0/0 .* \./bin/robot-serve$' list
	grep -qE '^-rwxr-xr-x 0/0 .* \./bin/healthcheck$' list
	grep -qE '^-rw-r--r-- 0/0 .* \./etc/ssl/certs/ca-certificates.crt$' list
	grep -qE '^drwxrwxrwt 10001/10001 .* \./run/gantry/?$' list
	[ -z "$(grep -v ' \./run/gantry/*$' list | grep -vE '^[d-][rwx-]{3}r-[x-]r-[x-] 0/0 ')" ]
	[ -z "$(grep -E '/(sh|bash|busybox|dash)$' list)" ]
}

# --- in an engine -------------------------------------------------------------------------------

@test "as user 10001 with a read-only root and no capabilities it serves and turns healthy" {
	run_robot "$IMAGE"
	wait_for 20 health_is healthy
	[ "$(curl -s http://127.0.0.1:5000/health | jq -r .version)" = 0.0.1 ]
	local pid
	pid=$(docker inspect -f '{{.State.Pid}}' robot)
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" = 10001 ]
	[ "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" = 0000000000000000 ]
	docker exec robot healthcheck http+unix:///run/gantry/robot.sock:/health http://127.0.0.1:5000/health
	docker stop robot >/dev/null
	# it went by itself: whom the engine had to kill ends with 137
	[ "$(docker inspect -f '{{.State.ExitCode}}' robot)" = 0 ]
}

@test "a LOG_DIR that is not there turns it unhealthy" {
	run_robot --health-retries 1 --health-start-period 0s -e LOG_DIR=/nonexistent "$IMAGE"
	wait_for 20 health_is unhealthy
	[[ $(docker inspect -f '{{json .State.Health.Log}}' robot) == *503* ]]
}

@test "the same image holds the network: robot-serve --hold" {
	docker run -d --name robot --network none --read-only --no-healthcheck "$IMAGE" robot-serve --hold >/dev/null
	running() { [ "$(docker inspect -f '{{.State.Running}}' robot)" = true ]; }
	wait_for 10 running
	docker stop robot >/dev/null
	[ "$(docker inspect -f '{{.State.ExitCode}}' robot)" = 0 ]
}

@test "without a tmpfs for the socket a read-only root is refused in words" {
	run -71 docker run --name robot --network none --read-only "$IMAGE"
	[ "$output" = "robot-serve: listen on '/run/gantry/robot.sock': Read-only file system" ]
}

@test "the Dockerfile says the same as the archive" {
	unpack "$ONE"
	local f=$ROOT/compose/Dockerfile.robot key value
	while IFS='=' read -r key value; do
		grep -qE "(ENV|^)[^#]*\b$key=\"?${value//0.0.1/\\\$VERSION}\"?" "$f"
	done < <(jq -r '.config.Env[], (.config.Labels | to_entries[] | "\(.key)=\(.value)")' "$CONFIG")
	grep -qxF "USER $(jq -r .config.User "$CONFIG")" "$f"
	grep -qxF "CMD $(jq -c .config.Cmd "$CONFIG")" "$f"
	grep -qxF "STOPSIGNAL $(jq -r .config.StopSignal "$CONFIG")" "$f"
	grep -qF "CMD $(jq -c '.config.Healthcheck.Test[1:]' "$CONFIG" | sed "s/,/, /g")" "$f"
	for package in $(sed -n '/^build="/,/"$/p' "$ROOT/scripts/install-deps.sh" | tr -d '"' | sed s/build=//); do
		grep -qw -- "$package" "$f"
	done
}

# --- over a file, to and from the engine ----------------------------------------------------------

@test "docker load takes what reg-sync writes, and reg-sync what docker save writes" {
	export STATE_DIR=$BATS_TEST_TMPDIR/state
	local id
	id=$(docker inspect -f '{{.Id}}' "$IMAGE")
	docker save "$IMAGE" >saved.tar
	run --separate-stderr -0 reg-sync --insecure-skip-verify docker-archive:saved.tar "$REGISTRY_IMAGES/saved"
	[[ $output == "copied $REGISTRY_IMAGES/saved:0.0.1@sha256:"* ]]
	docker pull -q "$REGISTRY_IMAGES/saved:0.0.1"
	[ "$(docker inspect -f '{{.Id}}' "$REGISTRY_IMAGES/saved:0.0.1")" = "$id" ]
	reg-sync --insecure-skip-verify "$IMAGE" docker-archive:robot.tar
	docker rmi -f "$id" >/dev/null
	run -0 docker load -i robot.tar
	[[ $output == *"robot:0.0.1"* ]]
	[ "$(docker inspect -f '{{.Id}}' robot:0.0.1)" = "$id" ]
	# what build-image.sh writes is an archive like any other
	run -0 reg-sync --insecure-skip-verify "oci-archive:$ONE" "$REGISTRY_IMAGES/built"
	docker pull -q "$IMAGE" >/dev/null
}
