#!/usr/bin/env bats
# reg-sync, to and from folders and files: what goes over a USB stick.

setup_file() {
	load helpers/common
	export STATE_DIR=$BATS_FILE_TMPDIR/state TMPDIR=$BATS_FILE_TMPDIR/tmp
	mkdir -p "$BATS_FILE_TMPDIR/src" "$TMPDIR"
	tar -xzf "$ROOT/tests/data/cosign-registry.tar.gz" -C "$BATS_FILE_TMPDIR/src"
	start_registry src
	start_registry dst
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR"
	DEST=$REGISTRY_DST/r$BATS_TEST_NUMBER
}

# What was unpacked is gone.
teardown() {
	[ -z "$(ls "$TMPDIR")" ]
}

copy() {
	reg-sync --insecure-skip-verify "$@"
}

tags_of() { # HOST/REPO
	curl -fsS "http://${1%%/*}/v2/${1#*/}/tags/list" | jq -r '.tags[]' | sort
}

digest_of() { # HOST/REPO TAG
	curl -fsSI -H 'Accept: application/vnd.oci.image.manifest.v1+json' -H 'Accept: application/vnd.oci.image.index.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://${1%%/*}/v2/${1#*/}/manifests/$2" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip'
}

referrers_of() { # HOST/REPO FALLBACK-TAG
	curl -fsS -H 'Accept: application/vnd.oci.image.index.v1+json' "http://${1%%/*}/v2/${1#*/}/manifests/$2" |
		jq -r '.manifests[].digest' | sort
}

# same A B: both repositories have the same tags with the same digests; lists at fallback tags name the same.
same() {
	local tag
	diff <(tags_of "$1") <(tags_of "$2")
	while read -r tag; do
		if [[ $tag =~ ^sha256-[0-9a-f]*$ ]]; then
			diff <(referrers_of "$1" "$tag") <(referrers_of "$2" "$tag")
		else
			[ "$(digest_of "$1" "$tag")" = "$(digest_of "$2" "$tag")" ]
		fi
	done < <(tags_of "$1")
}

@test "registry to layout to registry keeps every digest, signature and referrer" {
	local repo
	for repo in robot-app robot-multi; do
		copy "$REGISTRY_SRC/$repo" "oci:stick/$repo" >out
		[ "$(grep -c ^copied out)" = "$(wc -l <out)" ]
		copy "$REGISTRY_SRC/$repo" "oci:stick/$repo" >out
		[ "$(grep -c ^current out)" = "$(wc -l <out)" ]
		copy "oci:stick/$repo" "$DEST-$repo"
		same "$REGISTRY_SRC/$repo" "$DEST-$repo"
		[ ! -d "stick/$repo/ingest" ]
	done
	run --separate-stderr -0 reg-sync --list oci:stick/robot-multi
	[ "${lines[0]}" = "oci:stick/robot-multi:1.0.0@$(digest_of "$REGISTRY_SRC/robot-multi" 1.0.0)" ]
	run -0 reg-sync --stdin "$DEST-lines" < <(reg-sync --list oci:stick/robot-multi:1.1.0)
	[ "$output" = "copied $DEST-lines:1.1.0@$(digest_of "$REGISTRY_SRC/robot-multi" 1.1.0)" ]
}

@test "registry to archive to registry, plain, gzip, zstd and by a pipe" {
	copy "$REGISTRY_SRC/robot-multi" oci-archive:a.tar
	[ ! -e a.tar.part ]
	copy oci-archive:a.tar "$DEST-tar"
	same "$REGISTRY_SRC/robot-multi" "$DEST-tar"
	gzip -k a.tar
	zstd -q a.tar -o a.tar.zst
	copy oci-archive:a.tar.gz "$DEST-gz"
	same "$REGISTRY_SRC/robot-multi" "$DEST-gz"
	copy oci-archive:- "$DEST-pipe" <a.tar.zst
	same "$REGISTRY_SRC/robot-multi" "$DEST-pipe"
	run --separate-stderr -64 copy "$REGISTRY_SRC/robot-multi" oci-archive:-
	[[ $stderr == *"'oci-archive:-': records go to standard output, no archive" ]]
}

@test "signatures in a layout are verified as in a registry" {
	copy "$REGISTRY_SRC/robot-app:0.0.1" oci:stick
	local key=$ROOT/tests/data/cosign-p256.pub
	[ -f "$key" ] || key=$(ls "$ROOT"/tests/data/*.pub | head -1)
	run --separate-stderr reg-sync --key "$key" oci:stick "$DEST"
	local here=$output
	run --separate-stderr reg-sync --key "$key" "$REGISTRY_SRC/robot-app:0.0.1" "$DEST-b"
	[ "${here%% *}" = "${output%% *}" ]
	rm -r stick/blobs
	run --separate-stderr -1 reg-sync --key "$key" oci:stick "$DEST-c"
}

@test "names that are no places are refused in words" {
	run --separate-stderr -64 copy oci: "$DEST"
	[[ $stderr == "reg-sync: warning: "*"reg-sync: 'oci:' names no folder or file" ]]
	run --separate-stderr -64 copy "$REGISTRY_SRC/robot-app" oci:d:1.0
	[[ $stderr == *"'oci:d:1.0': tags come from the source" ]]
	run --separate-stderr -1 reg-sync --list oci:nosuch
	[ "$stderr" = "reg-sync: 'oci:nosuch': there is no such folder" ]
	run --separate-stderr -1 reg-sync --list oci-archive:nosuch.tar
	[ "$stderr" = "reg-sync: 'oci-archive:nosuch.tar': there is no such file" ]
	mkdir empty
	run --separate-stderr -1 reg-sync --list oci:empty
	[[ $stderr == "reg-sync: 'oci:empty': "*"oci-layout"* ]]
	run --separate-stderr -64 copy oci:empty "$REGISTRY_DST"
	[[ $stderr == *"is a host: the source has no repository's name to keep" ]]
	echo '{"imageLayoutVersion":"2.0.0"}' >empty/oci-layout
	run --separate-stderr -1 reg-sync --list oci:empty
	[ "$stderr" = "reg-sync: 'oci:empty': oci-layout: version '2.0.0', not 1.0.0" ]
	echo '{"imageLayoutVersion":"1.0.0"}' >empty/oci-layout
	echo '{"manifests": 7}' >empty/index.json
	run --separate-stderr -1 reg-sync --list oci:empty
	[ "$stderr" = "reg-sync: 'oci:empty': index.json: no list 'manifests'" ]
	echo hello >text
	run --separate-stderr -1 reg-sync --list oci-archive:text
	[[ $stderr == "reg-sync: 'oci-archive:text': it cannot be read: "* ]]
	tar -cf none.tar text
	run --separate-stderr -1 reg-sync --list docker-archive:none.tar
	[ "$stderr" = "reg-sync: 'docker-archive:none.tar': it is neither an OCI layout nor a docker archive" ]
}

@test "what others have written in a layout stays, and two do not write at once" {
	copy "$REGISTRY_SRC/robot-app:0.0.1" oci:d
	jq '.annotations.note = "mine" | .manifests[0].annotations.extra = "too"' d/index.json >i && mv i d/index.json
	copy "$REGISTRY_SRC/robot-app:0.0.2" oci:d
	[ "$(jq -r .annotations.note d/index.json)" = mine ]
	[ "$(jq -r '[.manifests[].annotations.extra] | add' d/index.json)" = too ]
	[ "$(reg-sync --list oci:d | wc -l)" = 2 ]
	run --separate-stderr -75 flock d reg-sync --insecure-skip-verify "$REGISTRY_SRC/robot-app:0.0.3" oci:d
	[[ $stderr == *"'oci:d': another process writes there" ]]
}

@test "a layout whose bytes are wrong is no source" {
	copy "$REGISTRY_SRC/robot-app:0.0.1" oci:d
	local m layer
	m=$(reg-sync --list oci:d | sed 's/.*@sha256://')
	layer=$(jq -r '.layers[0].digest' "d/blobs/sha256/$m")
	printf x | dd of="d/blobs/sha256/${layer#sha256:}" bs=1 seek=10 conv=notrunc status=none
	run --separate-stderr -1 copy oci:d "$DEST"
	[[ $output == "failed $DEST:0.0.1@sha256:$m "*"blob '$layer' has digest sha256:"* ]]
	[ -z "$(tags_of "$DEST" 2>/dev/null)" ]
	printf ' ' >>"d/blobs/sha256/$m"
	run --separate-stderr -1 copy oci:d "$DEST"
	[[ $output == *"has digest sha256:"* ]]
	# a link that leads out
	rm "d/blobs/sha256/$m"
	ln -s /etc/passwd "d/blobs/sha256/$m"
	run --separate-stderr -1 copy oci:d "$DEST"
	[[ $output != *root:* ]]
}

@test "no link of a layout leads a write out of it" {
	local at
	mkdir away
	for at in blobs blobs/sha256 ingest; do
		rm -rf d
		mkdir -p "d/$(dirname "$at")"
		ln -s "$PWD/away" "d/$at"
		run --separate-stderr -1 copy "$REGISTRY_SRC/robot-app:0.0.1" oci:d
		[[ $stderr == *"leaves its directory" ]]
		[ -z "$(ls away)" ]
	done
}

@test "a disk that is full is said, and the next run goes on" {
	mkdir small
	mount -t tmpfs -o size=48k tmpfs small
	run copy "$REGISTRY_SRC/robot-app" oci:small/d
	echo "$output"
	mount -o remount,size=10m small
	copy "$REGISTRY_SRC/robot-app" oci:small/d >again
	reg-sync --list oci:small/d >list
	umount small
	[ "$status" = 7 ]
	[[ $output == *"No space left on device"* ]]
	[ "$(wc -l <list)" = "$(reg-sync --list "$REGISTRY_SRC/robot-app" | wc -l)" ]
}

@test "an interrupted blob goes on, and one that is wrong begins again" {
	copy "$REGISTRY_SRC/robot-app:0.0.1" oci:whole
	local m layer
	m=$(reg-sync --list oci:whole | sed 's/.*@sha256://')
	layer=$(jq -r '.layers[0].digest | ltrimstr("sha256:")' "whole/blobs/sha256/$m")
	mkdir -p part/ingest bad/ingest
	head -c 100 "whole/blobs/sha256/$layer" >"part/ingest/$layer"
	copy "$REGISTRY_SRC/robot-app:0.0.1" oci:part
	cmp "whole/blobs/sha256/$layer" "part/blobs/sha256/$layer"
	head -c 100 /dev/zero >"bad/ingest/$layer"
	run -1 copy "$REGISTRY_SRC/robot-app:0.0.1" oci:bad
	[[ $output == *"failed $REGISTRY_SRC/robot-app:0.0.1 'oci:bad': blob 'sha256:$layer': has digest sha256:"* ]]
	[ ! -e "bad/ingest/$layer" ]
	run -0 copy "$REGISTRY_SRC/robot-app:0.0.1" oci:bad
	cmp "whole/blobs/sha256/$layer" "bad/blobs/sha256/$layer"
}

# evil NAME...: an archive with entries of these names.
evil() {
	local name
	mkdir -p e
	for name in "$@"; do
		echo x >e/f
		tar -rf evil.tar -P --transform "s,.*,$name," e/f
	done
}

@test "hostile archives leave nothing outside and are refused in words" {
	evil ../out
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[ "$stderr" = "reg-sync: 'oci-archive:evil.tar': the name '../out' leads out of the archive" ]
	rm evil.tar
	evil a/../../out
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[[ $stderr == *"leads out of the archive" ]]
	rm evil.tar
	evil "$BATS_TEST_TMPDIR/out"
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[[ $stderr == *"is absolute" ]]
	rm evil.tar
	evil twice twice
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[[ $stderr == *"'twice' is in it twice" ]]
	ln -s /etc link
	tar -cf evil.tar link
	evil link/passwd2
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[ ! -e /etc/passwd2 ]
	echo x >one
	ln one two
	tar -cf evil.tar one two
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[[ $stderr == *"'two' is a hard link" ]]
	mkfifo pipe
	tar -cf evil.tar pipe
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
	[[ $stderr == *"'pipe' is no file" ]]
	[ ! -e "$BATS_TEST_TMPDIR/out" ] && [ ! -e out ]
	tar -cf cut.tar one
	head -c 600 cut.tar >evil.tar
	run --separate-stderr -1 reg-sync --list oci-archive:evil.tar
}

@test "a bomb meets a limit before the disk is full" {
	truncate -s 600M zeros
	tar -cf - --sparse zeros | zstd -q >sparse.tar.zst
	run --separate-stderr -1 reg-sync --list oci-archive:sparse.tar.zst
	tar -cf - zeros | zstd -q -19 >bomb.tar.zst
	run --separate-stderr -1 reg-sync --list oci-archive:bomb.tar.zst
	[[ $stderr == *"it unpacks to more than 1100 times its size" ]]
}

@test "what docker save wrote in its old form is read, layers named by links too" {
	mkdir -p one two
	tar -cf one/layer.tar "$BATS_TEST_FILENAME" 2>/dev/null
	ln -s ../one/layer.tar two/layer.tar
	echo '{"architecture":"amd64","os":"linux"}' >c.json
	echo '[{"Config":"c.json","RepoTags":["host:5000/a/b:1.0","host:5000/a/b:latest"],
		"Layers":["one/layer.tar","two/layer.tar"]}]' >manifest.json
	tar -cf saved.tar c.json one two manifest.json
	run -0 copy docker-archive:saved.tar "$DEST"
	[ "$(tags_of "$DEST" | xargs)" = "1.0 latest" ]
	curl -fsS -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://${DEST%%/*}/v2/${DEST#*/}/manifests/1.0" >m
	[ "$(jq -r '.layers[].digest' m | uniq)" = "sha256:$(sha256sum <one/layer.tar | cut -d' ' -f1)" ]
	[ "$(jq -r .config.digest m)" = "sha256:$(sha256sum <c.json | cut -d' ' -f1)" ]
	echo '[{"Config":"c.json","Layers":["nosuch"]}]' >manifest.json
	tar -cf saved.tar c.json manifest.json
	run --separate-stderr -1 reg-sync --list docker-archive:saved.tar
	[[ $stderr == *"manifest.json names 'nosuch', which is not in it" ]]
	echo '[{"Config":"../../etc/passwd","Layers":[]}]' >manifest.json
	tar -cf saved.tar manifest.json
	run --separate-stderr -1 reg-sync --list docker-archive:saved.tar
	[[ $stderr == *"leads out of the archive" ]]
}

@test "a docker archive holds single images, and is read again" {
	run --separate-stderr -71 copy "$REGISTRY_SRC/robot-multi" docker-archive:/proc/nosuch/x.tar
	copy "$REGISTRY_SRC/robot-app:0.0.1" docker-archive:Robot_App.tar
	[ "$(tar -xOf Robot_App.tar manifest.json | jq -r '.[].RepoTags[]')" = robotapp:0.0.1 ]
	copy docker-archive:Robot_App.tar "$DEST"
	curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://${REGISTRY_SRC}/v2/robot-app/manifests/0.0.1" | jq -r '.layers[].digest, .config.digest' >there
	curl -fsS -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"http://${DEST%%/*}/v2/${DEST#*/}/manifests/0.0.1" | jq -r '.layers[].digest, .config.digest' | cmp - there
	run --separate-stderr -1 copy "$REGISTRY_SRC/robot-multi:1.0.0" docker-archive:multi.tar
	[[ $stderr == *"'1.0.0' is an index of several images, and a docker-archive holds one: choose with --platform" ]]
	[ ! -e multi.tar ] && [ ! -e multi.tar.tmp ]
}
