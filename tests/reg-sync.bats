#!/usr/bin/env bats
# reg-sync, on real registries.

setup_file() {
	load helpers/common
	export STATE_DIR=$BATS_FILE_TMPDIR/state
	load helpers/image
	start_registry src
	start_registry dst
	for v in 0.0.1 0.0.2 0.0.10 1.0.0-rc.1; do
		BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR image_archive "$BATS_FILE_TMPDIR/$v.tar" "robot $v" >/dev/null
		"$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/$v.tar" "$REGISTRY_SRC/robot-app:$v" >/dev/null
	done
	image_key "$BATS_FILE_TMPDIR/good" P-256
	"$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/good.pem" "$REGISTRY_SRC/robot-app:0.0.1" >/dev/null
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/image
	cd "$BATS_TEST_TMPDIR" || return 1
	bats_require_minimum_version 1.5.0
	KEY=$BATS_FILE_TMPDIR/good.pub
	# every test has a repository of its own at the destination
	DEST=$REGISTRY_DST/t$BATS_TEST_NUMBER
}

teardown() {
	[ -z "${CANNED:-}" ] || kill "$CANNED"
	if mountpoint -q "$BATS_TEST_TMPDIR/small"; then
		umount -l "$BATS_TEST_TMPDIR/small"
	fi
}

digest_of() { # HOST/REPO:TAG
	local ref=$1
	curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json' -H 'Accept: application/vnd.oci.image.index.v1+json' \
		"http://${ref%%/*}/v2/$(repo_of "$ref")/manifests/${ref##*:}" |
		tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip'
}

repo_of() {
	local r=${1#*/}
	echo "${r%:*}"
}

tags_of() { # HOST/REPO
	curl -sS "http://${1%%/*}/v2/${1#*/}/tags/list" | jq -r '.tags // [] | .[]' | sort
}

# canned: a server whose answers are the files that answer wrote; its address is in $FAULTY.
canned() {
	local port
	port=$(free_port)
	FAULTY=127.0.0.1:$port
	"$B/helpers/canned" "$port" "$PWD/answers" 3>&- &
	CANNED=$!
	wait_for 5 bash -c "echo >/dev/tcp/127.0.0.1/$port"
}

answer() { # NAME STATUS TYPE, the body from stdin
	mkdir -p answers
	cat >body
	{
		printf 'HTTP/1.1 %s x\r\nContent-Type: %s\r\n' "$2" "$3"
		printf 'Content-Length: %s\r\nConnection: close\r\n\r\n' "$(stat -c %s body)"
		cat body
	} >"answers/$1"
}

@test "--list prints a line a tag with its digest, oldest version first" {
	run --separate-stderr -0 reg-sync --list "$REGISTRY_SRC/robot-app"
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 4 ]
	[ "${lines[0]}" = "$REGISTRY_SRC/robot-app:0.0.1@$(digest_of "$REGISTRY_SRC/robot-app:0.0.1")" ]
	[[ ${lines[1]} == *":0.0.2@sha256:"* ]]
	[[ ${lines[2]} == *":0.0.10@sha256:"* ]]
	[[ ${lines[3]} == *":1.0.0-rc.1@sha256:"* ]]
}

@test "-v says whom it talks to" {
	run --separate-stderr -0 reg-sync -v --list "$REGISTRY_SRC/robot-app"
	[ "$stderr" = "reg-sync: registry '$REGISTRY_SRC' answers" ]
}

@test "--list of one tag, and as JSON" {
	run --separate-stderr -0 reg-sync --list "$REGISTRY_SRC/robot-app:0.0.2"
	[ "$output" = "$REGISTRY_SRC/robot-app:0.0.2@$(digest_of "$REGISTRY_SRC/robot-app:0.0.2")" ]
	run --separate-stderr -0 reg-sync --json --list "$REGISTRY_SRC/robot-app:0.0.2"
	jq -e --arg r "$REGISTRY_SRC/robot-app" '.tag == "0.0.2" and (.ref | startswith($r))
		and (.digest | startswith("sha256:"))' <<<"$output"
}

@test "--tags, --exclude and --newest choose" {
	versions() {
		reg-sync --list "$@" "$REGISTRY_SRC/robot-app" | sed 's/.*:\(.*\)@.*/\1/' | xargs
	}
	[ "$(versions --tags 'semver:*')" = "0.0.1 0.0.2 0.0.10" ]
	[ "$(versions --tags '0.0.1*')" = "0.0.1 0.0.10" ]
	[ "$(versions --tags 'regex:0\.0\.[12]')" = "0.0.1 0.0.2" ]
	[ "$(versions --tags 0.0.1 --tags 0.0.2)" = "0.0.1 0.0.2" ]
	[ "$(versions --exclude '*-rc*' --newest 2)" = "0.0.2 0.0.10" ]
	run --separate-stderr -64 reg-sync --tags 'semver:one' --list "$REGISTRY_SRC/robot-app"
	[[ $stderr == "reg-sync: pattern 'semver:one': 'one' is not a version range"* ]]
	run --separate-stderr -64 reg-sync --newest 0 --list "$REGISTRY_SRC/robot-app"
	[[ $stderr == "reg-sync: --newest must be a number from 1 to 100000, not '0'"* ]]
}

@test "--stdin copies each line by digest, with its signature; the second time all is current" {
	reg-sync --list "$REGISTRY_SRC/robot-app" >list
	run --separate-stderr -0 reg-sync --stdin "$DEST" <list
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 4 ]
	local d
	d=$(digest_of "$REGISTRY_SRC/robot-app:0.0.1")
	[ "${lines[0]}" = "copied $DEST:0.0.1@$d" ]
	[ "$(digest_of "$DEST:0.0.1")" = "$d" ]
	[[ $(tags_of "$DEST") == *"${d/:/-}.sig"* ]]
	run --separate-stderr -0 reg-sync --stdin "$DEST" <list
	[ "${lines[3]%@*}" = "current $DEST:1.0.0-rc.1" ]
	run ! grep -q copied <<<"$output"
}

@test "a host alone as destination keeps the repository's name" {
	reg-sync --list "$REGISTRY_SRC/robot-app:0.0.1" >list
	run --separate-stderr -0 reg-sync --stdin "$REGISTRY_DST" <list
	[[ $output == "copied $REGISTRY_DST/robot-app:0.0.1@"* ]]
}

@test "--no-referrers leaves the signature behind, a later run brings it" {
	reg-sync --list "$REGISTRY_SRC/robot-app:0.0.1" >list
	reg-sync --no-referrers --stdin "$DEST" <list
	[ "$(tags_of "$DEST")" = 0.0.1 ]
	run -0 reg-sync --stdin "$DEST" <list
	[[ $output == current* ]]
	[[ $(tags_of "$DEST") == *.sig* ]]
}

@test "--dry-run changes nothing" {
	reg-sync --list "$REGISTRY_SRC/robot-app:0.0.1" >list
	run --separate-stderr -0 reg-sync -n --stdin "$DEST" <list
	[[ $output == "copied $DEST:0.0.1@"* ]]
	[ -z "$(tags_of "$DEST")" ]
}

@test "nothing to read is nothing to do, even with nobody at the destination" {
	run --separate-stderr -0 reg-sync --stdin localhost:1/x </dev/null
	[ -z "$output" ]
	run --separate-stderr -0 reg-sync --stdin localhost:1/x <<<"# only words"
	[ -z "$output" ]
}

@test "a line that is no reference, or has no digest, fails and the others go on" {
	{
		echo "what is this"
		echo "$REGISTRY_SRC/robot-app:0.0.1"
		reg-sync --list "$REGISTRY_SRC/robot-app:0.0.2"
	} >list
	run --separate-stderr -1 reg-sync --stdin "$DEST" <list
	[ "${lines[0]}" = "failed what is this 'what is this' is not an image reference: bad repository name" ]
	[ "${lines[1]}" = "failed $REGISTRY_SRC/robot-app:0.0.1 '$REGISTRY_SRC/robot-app:0.0.1' has no digest" ]
	[[ ${lines[2]} == "copied $DEST:0.0.2@"* ]]
}

@test "SOURCE DEST wants to know whom to trust" {
	run --separate-stderr -78 reg-sync "$REGISTRY_SRC/robot-app" "$DEST"
	[ -z "$output" ]
	[ "$stderr" = "reg-sync: whom to trust? give --key, --certificate-identity or --policy, or --insecure-skip-verify" ]
	run --separate-stderr -0 reg-sync --insecure-skip-verify "$REGISTRY_SRC/robot-app" "$DEST"
	[ "$stderr" = "reg-sync: warning: signatures are not checked (--insecure-skip-verify)" ]
	[ "${#lines[@]}" -eq 4 ]
}

@test "SOURCE DEST with --key copies what is signed and refuses the rest" {
	run --separate-stderr -1 reg-sync --key "$KEY" "$REGISTRY_SRC/robot-app" "$DEST"
	[[ ${lines[0]} == "copied $DEST:0.0.1@"* ]]
	[[ ${lines[1]} == "refused $REGISTRY_SRC/robot-app:0.0.2@sha256:"*"is not signed"* ]]
	[[ $(tags_of "$DEST") != *0.0.2* ]]
	printf 'VERIFY_KEY=%s\n' "$KEY" >gantry.conf
	run --separate-stderr -0 reg-sync --tags 0.0.1 -c gantry.conf "$REGISTRY_SRC/robot-app" "$DEST"
	[[ $output == "current $DEST:0.0.1@"* ]]
}

@test "wrong usage is 64 and says what is missing" {
	run --separate-stderr -64 reg-sync
	[[ $stderr == "reg-sync: SOURCE and DEST are needed"* ]]
	run --separate-stderr -64 reg-sync --list
	[[ $stderr == "reg-sync: one SOURCE is needed"* ]]
	run --separate-stderr -64 reg-sync --list --stdin x
	[[ $stderr == "reg-sync: --list, --stdin and --prune do not go together"* ]]
	run --separate-stderr -64 reg-sync --key "$KEY" --stdin x
	[[ $stderr == *"put img-verify before --stdin"* ]]
	run --separate-stderr -64 reg-sync --list 'h.io/UPPER'
	[ "$stderr" = "reg-sync: 'h.io/UPPER' is not an image reference: bad repository name" ]
	run --separate-stderr -64 reg-sync --retry many --list x.io/y
	run --separate-stderr -64 reg-sync --timeout 0 --list x.io/y
	run --separate-stderr -64 reg-sync --insecure-skip-verify "$REGISTRY_SRC/robot-app" "$DEST:tag"
	[[ $stderr == *"a destination is HOST or HOST/REPO"* ]]
}

@test "no registry there is 75 and one line" {
	run --separate-stderr -75 reg-sync --retry 0 --list localhost:1/robot-app
	[ -z "$output" ]
	[[ $stderr == "reg-sync: registry 'localhost:1': Failed to connect"* ]]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	run --separate-stderr -75 reg-sync --retry 0 --stdin localhost:1 <<<"$REGISTRY_SRC/robot-app:1@sha256:$(printf %064d 0)"
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

@test "a repository that is not there is 1, a tag too" {
	run --separate-stderr -1 reg-sync --list "$REGISTRY_SRC/nosuch"
	[ "$stderr" = "reg-sync: '$REGISTRY_SRC/nosuch': 404 NAME_UNKNOWN: repository name not known to registry" ]
	run --separate-stderr -1 reg-sync --list "$REGISTRY_SRC/robot-app:9"
	[ "$stderr" = "reg-sync: '$REGISTRY_SRC/robot-app:9': 404: not found" ]
}

@test "a web page instead of a registry is 75" {
	answer default 200 text/html <<<'<html>please log in</html>'
	canned
	run --separate-stderr -75 reg-sync --list "$FAULTY/robot-app"
	[ -z "$output" ]
	[ "$stderr" = "reg-sync: '$FAULTY' answers like a web page (200, answered text/html), not like a registry: a proxy or a captive portal?" ]
}

@test "a manifest of 100 MB, of an unknown type, or of schema 1 is refused in words" {
	local d=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
	answer GET_v2_ 200 application/json <<<'{}'
	answer "GET_v2_a_manifests_$d" 200 application/vnd.oci.image.manifest.v1+json <<<'{}'
	truncate -s 100M "answers/GET_v2_a_manifests_$d"
	sed -i '1,/^\r$/s/Content-Length: .*/Content-Length: 104857600\r/' "answers/GET_v2_a_manifests_$d"
	canned
	run -1 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$d"
	[[ $output == "failed $DEST:1@$d "*"larger than 4194304 bytes"* ]]
	local body='{"schemaVersion":2,"mediaType":"application/vnd.acme"}'
	d=sha256:$(printf '%s\n' "$body" | sha256sum | cut -d' ' -f1)
	answer "GET_v2_a_manifests_$d" 200 application/vnd.acme <<<"$body"
	run -1 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$d"
	[[ $output == *"unknown media type 'application/vnd.acme'" ]]
	body='{"schemaVersion":1}'
	d=sha256:$(printf '%s\n' "$body" | sha256sum | cut -d' ' -f1)
	answer "GET_v2_a_manifests_$d" 200 application/vnd.docker.distribution.manifest.v1+json <<<"$body"
	run -1 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$d"
	[[ $output == *"schema 1 is not supported"* ]]
	[ -z "$(tags_of "$DEST")" ]
}

@test "a manifest whose bytes are not its digest is refused" {
	local d=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
	answer GET_v2_ 200 application/json <<<'{}'
	answer "GET_v2_a_manifests_$d" 200 application/vnd.oci.image.manifest.v1+json <<<'{}'
	canned
	run -1 reg-sync --stdin "$DEST" <<<"$FAULTY/a:1@$d"
	[[ $output == *"has digest sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356, not $d" ]]
}

# The one layer of an image at the source, as a file of the registry.
layer_file() { # TAG
	local layer
	layer=$(curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://$REGISTRY_SRC/v2/${2:-robot-app}/manifests/$1" | jq -r '.layers[0].digest')
	layer=${layer#sha256:}
	echo "$BATS_FILE_TMPDIR/src/docker/registry/v2/blobs/sha256/${layer:0:2}/$layer/data"
}

@test "a blob that is corrupt at the source never arrives, nor does its tag" {
	image_archive x.tar "corrupt soon" >/dev/null
	"$ROOT/scripts/push-image.sh" x.tar "$REGISTRY_SRC/corrupt:1" >/dev/null
	local f
	f=$(layer_file 1 corrupt)
	cp "$f" keep
	printf 'X' | dd of="$f" bs=1 seek=600 conv=notrunc status=none
	reg-sync --list "$REGISTRY_SRC/corrupt" >list
	run -1 reg-sync --stdin "$DEST" <list
	[[ $output == "failed $DEST:1@"*"has digest sha256:"* ]]
	[ -z "$(tags_of "$DEST")" ]
	truncate -s -1 "$f"
	run -1 reg-sync --stdin "$DEST" <list
	[[ $output == "failed $DEST:1@"*"bytes, not "* ]]
	cp keep "$f"
	run -0 reg-sync --stdin "$DEST" <list
	[[ $output == copied* ]]
}

@test "killed in the middle, the next run brings everything; the tag was never there before" {
	head -c 60000000 /dev/urandom >word
	tar -cf layer word
	local dir=$PWD/big
	mkdir -p "$dir"
	local l c m
	l=$(image_blob "$dir" layer)
	echo '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >config
	c=$(image_blob "$dir" config)
	jq -cn --arg c "$c" --argjson cn "$(stat -c %s config)" --arg l "$l" --argjson ln "$(stat -c %s layer)" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: $cn},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $l, size: $ln}]}' >manifest
	m=$(image_blob "$dir" manifest)
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	jq -cn --arg d "$m" --argjson n "$(stat -c %s manifest)" '{schemaVersion: 2, manifests:
		[{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]}' >"$dir/index.json"
	tar -cf big.tar -C "$dir" .
	"$ROOT/scripts/push-image.sh" big.tar "$REGISTRY_SRC/big:1" >/dev/null
	reg-sync --list "$REGISTRY_SRC/big" >list
	for after in 0.02 0.05 0.1; do
		reg-sync --stdin "$DEST" <list >/dev/null 2>&1 3>&- &
		sleep "$after"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		# a tag that is there can be pulled
		if [ -n "$(tags_of "$DEST")" ]; then
			[ "$(digest_of "$DEST:1")" = "$m" ]
		fi
	done
	run -0 reg-sync --stdin "$DEST" <list
	[ "$(digest_of "$DEST:1")" = "$m" ]
	[ "$(curl -fsS "http://${DEST%%/*}/v2/${DEST#*/}/blobs/$l" | sha256sum | cut -d' ' -f1)" = "${l#sha256:}" ]
}

@test "a full disk at the destination is said, nothing is half there, and the next run works" {
	mkdir small
	mount -t tmpfs -o size=256k tmpfs small
	local port
	port=$(free_port)
	cat >small.yml <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $PWD/small}}
		http: {addr: 127.0.0.1:$port, secret: x}
	YML
	docker-registry serve small.yml >small.log 2>&1 3>&- &
	CANNED=$!
	wait_for 20 curl -fsS "http://127.0.0.1:$port/v2/"
	head -c 300000 /dev/urandom | base64 -w0 >w
	image_archive x.tar "$(<w)" >/dev/null
	"$ROOT/scripts/push-image.sh" x.tar "$REGISTRY_SRC/full:1" >/dev/null
	reg-sync --list "$REGISTRY_SRC/full" >list
	run -75 reg-sync --retry 0 --stdin "127.0.0.1:$port/full" <list
	[[ $output == "failed 127.0.0.1:$port/full:1@"*"500"* ]]
	[ -z "$(tags_of "127.0.0.1:$port/full")" ]
	mount -o remount,size=8m small
	run -0 reg-sync --stdin "127.0.0.1:$port/full" <list
	[[ $output == copied* ]]
}

@test "an index comes with its children, and referrers with theirs, entries that were there stay" {
	local dir=$BATS_FILE_TMPDIR/fixture
	[ -f "$ROOT/tests/data/cosign-registry.tar.gz" ]
	mkdir -p "$dir"
	tar -xzf "$ROOT/tests/data/cosign-registry.tar.gz" -C "$dir"
	start_registry fixture
	reg-sync --list "$REGISTRY_FIXTURE/robot-multi" >list
	run -0 reg-sync --stdin "$DEST" <list
	[ "$(grep -c ^copied <<<"$output")" -eq 2 ]
	[ "$(tags_of "$DEST")" = "$(tags_of "$REGISTRY_FIXTURE/robot-multi")" ]
	while read -r tag; do
		[ "$(digest_of "$DEST:$tag")" = "$(digest_of "$REGISTRY_FIXTURE/robot-multi:$tag")" ]
	done < <(tags_of "$REGISTRY_FIXTURE/robot-multi" | grep -v '^sha256-[0-9a-f]*$')
	# an index that names a foreign referrer gains ours, and keeps that one
	local fallback=sha256-56ba3f54a3f2530154d2134e9c731ffd0a86c389253898528d7d69a3408c16e4 here=$DEST-b
	grep -qx "$fallback" <(tags_of "$REGISTRY_FIXTURE/robot-multi")
	index() {
		curl -fsS -H 'Accept: application/vnd.oci.image.index.v1+json' \
			"http://${1%%/*}/v2/${1#*/}/manifests/$fallback" | jq -r '.manifests[].digest' | sort
	}
	local foreign
	reg-sync --list "$REGISTRY_SRC/robot-app:0.0.2" >foreign
	reg-sync --stdin "$here" <foreign
	foreign=$(digest_of "$here:0.0.2")
	jq -cn --arg d "$foreign" --argjson n "$(curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://${here%%/*}/v2/${here#*/}/manifests/$foreign" | tr -d '\r' | sed -n 's/^Content-Length: //Ip')" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests:
		[{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]}' >index
	curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index \
		"http://${here%%/*}/v2/${here#*/}/manifests/$fallback"
	reg-sync --stdin "$here" <list
	[ "$(index "$here")" = "$({ echo "$foreign"; index "$REGISTRY_FIXTURE/robot-multi"; } | sort)" ]
}

@test "credentials come from --authfile, REGISTRY_AUTH_FILE or DOCKER_CONFIG, and never show" {
	local port
	port=$(free_port)
	htpasswd -Bbn robot s3cret >passwd
	mkdir data
	cat >auth.yml <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $PWD/data}}
		auth: {htpasswd: {realm: here, path: $PWD/passwd}}
		http: {addr: 127.0.0.1:$port, secret: x}
	YML
	docker-registry serve auth.yml >auth.log 2>&1 3>&- &
	CANNED=$!
	wait_for 20 curl -sS "http://127.0.0.1:$port/v2/"
	reg-sync --list "$REGISTRY_SRC/robot-app:0.0.1" >list
	run --separate-stderr -1 reg-sync --stdin "127.0.0.1:$port/a" <list
	[[ $output == *"401: credentials are needed (no credentials found)" ]]
	mkdir docker
	printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' "$port" "$(printf robot:s3cret | base64)" >docker/config.json
	run --separate-stderr -0 reg-sync --authfile docker/config.json --stdin "127.0.0.1:$port/a" <list
	REGISTRY_AUTH_FILE=docker/config.json run -0 reg-sync --list "127.0.0.1:$port/a"
	DOCKER_CONFIG=docker run -0 reg-sync -v --list "127.0.0.1:$port/a"
	[[ $output != *s3cret* ]]
	echo '{"auths": s3cret' >broken.json
	run --separate-stderr -78 reg-sync --authfile broken.json --list "127.0.0.1:$port/a"
	[ "$stderr" = "reg-sync: broken.json: not JSON" ]
}

@test "memory stays small however large a blob is" {
	reg-sync --list "$REGISTRY_SRC/big" >list
	run -0 /usr/bin/env bash -c 'reg-sync --stdin "$1" <list >/dev/null & p=$!; m=0
		while kill -0 $p 2>/dev/null; do n=$(sed -n "s/VmHWM:[^0-9]*\([0-9]*\).*/\1/p" /proc/$p/status 2>/dev/null)
		[ -z "$n" ] || m=$n; done; echo "$m"' - "$DEST"
	echo "peak kB: $output"
	[ "$output" -gt 0 ]
	# sanitizers take memory of their own
	[ "$output" -lt 20480 ] || grep -q __asan_init "$B/reg-sync"
}

# two_platforms REPO: an index of two children without layers, and what BuildKit says about the first, as tag 1.
two_platforms() {
	local at="http://$REGISTRY_SRC/v2/$1" entries='' n config
	local -a digests=()
	put() { # TYPE NAME FILE
		curl -fsS -X PUT -H "Content-Type: application/vnd.oci.image.$1.v1+json" --data-binary "@$3" "$at/manifests/$2"
	}
	for n in amd64 arm64 unknown; do
		printf '{"architecture":"%s"}' "$n" >config
		config=sha256:$(sha256sum <config | cut -d' ' -f1)
		curl -fsS -X PUT --data-binary @config -H 'Content-Type: application/octet-stream' \
			"$(curl -fsS -X POST -D - -o /dev/null "$at/blobs/uploads/" | tr -d '\r' |
				sed -n 's/^Location: //Ip')&digest=$config"
		jq -cn --arg d "$config" --argjson n "$(stat -c %s config)" '{schemaVersion: 2,
			mediaType: "application/vnd.oci.image.manifest.v1+json", layers: [],
			config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: $n}}' >m
		digests+=("sha256:$(sha256sum <m | cut -d' ' -f1)")
		put manifest "${digests[-1]}" m
		entries+=$(jq -cn --arg d "${digests[-1]}" --argjson n "$(stat -c %s m)" --arg a "$n" \
			'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n,
			platform: {os: (if $a == "unknown" then $a else "linux" end), architecture: $a}}')
	done
	jq -cs --arg of "${digests[0]}" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: .} | .manifests[2].annotations = {"vnd.docker.reference.digest": $of}' <<<"$entries" >index
	put index 1 index
	printf '%s\n' "${digests[@]}"
}

@test "--platform takes these children, with what is said about them, and warns of the others" {
	local d
	two_platforms two >all
	has() {
		curl -fsSI -o /dev/null -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://${DEST%%/*}/v2/${DEST#*/}-b/manifests/$1"
	}
	run --separate-stderr -0 reg-sync --insecure-skip-verify --platform linux/amd64 --platform linux/arm64 \
		"$REGISTRY_SRC/two" "$DEST"
	[[ $stderr != *"left behind"* ]]
	[ "$(digest_of "$DEST:1")" = "$(digest_of "$REGISTRY_SRC/two:1")" ]
	# this registry wants every child of an index: those that were asked for are there when it says so
	run --separate-stderr -1 reg-sync --insecure-skip-verify --platform linux/amd64 "$REGISTRY_SRC/two" "$DEST-b"
	[[ $output == "failed $DEST-b:1@sha256:"*"MANIFEST_BLOB_UNKNOWN"* ]]
	has "$(sed -n 1p all)"
	has "$(sed -n 3p all)"
	run ! has "$(sed -n 2p all)"
	run -64 reg-sync --platform linux --list "$REGISTRY_SRC/two"
	[[ $output == *"--platform: 'linux' is not OS/ARCH[/VARIANT]"* ]]
	run -64 reg-sync --platform linux//v7 --list "$REGISTRY_SRC/two"
}

@test "--jobs is a number, and one is enough" {
	run -64 reg-sync --jobs 0 --list "$REGISTRY_SRC/robot-app"
	[[ $output == *"--jobs must be a number from 1 to 32, not '0'"* ]]
	run -0 reg-sync --jobs 1 --insecure-skip-verify "$REGISTRY_SRC/robot-app" "$DEST"
	[ "$(tags_of "$DEST")" = "$(tags_of "$REGISTRY_SRC/robot-app")" ]
}

@test "a layer that another repository of the destination has is mounted, not moved" {
	REGISTRY_LOG_ACCESSLOG_DISABLED=false start_registry watched
	reg-sync --insecure-skip-verify "$REGISTRY_SRC/robot-app:0.0.1" "$REGISTRY_WATCHED/one"
	reg-sync --insecure-skip-verify "$REGISTRY_WATCHED/one" "$REGISTRY_WATCHED/two"
	[ "$(digest_of "$REGISTRY_WATCHED/two:0.0.1")" = "$(digest_of "$REGISTRY_SRC/robot-app:0.0.1")" ]
	grep -q 'POST /v2/two/blobs/uploads/?mount=' "$BATS_FILE_TMPDIR/watched.log"
	run ! grep -q 'PUT /v2/two/blobs' "$BATS_FILE_TMPDIR/watched.log"
}

@test "the state folder that it makes is for everybody to read, what it remembers there is not" {
	STATE_DIR=$PWD/made reg-sync --insecure-skip-verify "$REGISTRY_SRC/robot-app:0.0.1" "$DEST"
	[ "$(stat -c %a made made/uploads | xargs)" = "755 700" ]
}
