#!/usr/bin/env bats
# push-image.sh against a real registry.

setup_file() {
	load helpers/common
	load helpers/image
	start_registry remote
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/image
	PATH="$ROOT/scripts:$PATH"
	cd "$BATS_TEST_TMPDIR"
	R=$REGISTRY_REMOTE/test-$BATS_TEST_NUMBER
}

@test "--help says how and ends with the exit codes" {
	run --separate-stderr -0 push-image.sh --help
	[ -z "$stderr" ]
	[[ ${lines[0]} == "usage: push-image.sh"* ]]
	[[ $output == *example:* && $output == *"exit: 0 done"* ]]
	[ "$(push-image.sh -h)" = "$output" ]
}

@test "wrong usage is 64 and says what is wanted" {
	image_archive a.tar one
	run --separate-stderr -64 push-image.sh a.tar
	[ "${stderr_lines[0]}" = "push-image.sh: want an archive and a reference" ]
	[ "${stderr_lines[1]}" = "usage: push-image.sh [--authfile FILE] ARCHIVE HOST[:PORT]/REPO:TAG" ]
	run --separate-stderr -64 push-image.sh --tls a.tar "$R:1"
	[ "${stderr_lines[0]}" = "push-image.sh: unknown option '--tls'" ]
	run --separate-stderr -64 push-image.sh a.tar robot-app:1
	[ "${stderr_lines[0]}" = "push-image.sh: 'robot-app:1' is not an image reference: it names no registry (HOST[:PORT]/REPO)" ]
	run --separate-stderr -64 push-image.sh a.tar "$R"
	[ "${stderr_lines[0]}" = "push-image.sh: '$R' must have a tag and no digest" ]
	run --separate-stderr -64 push-image.sh a.tar "$REGISTRY_REMOTE/UPPER:1"
	[[ ${stderr_lines[0]} == *"want HOST[:PORT]/REPO[:TAG][@sha256:HEX]" ]]
	run --separate-stderr -64 push-image.sh a.tar "$R:-x"
	[[ ${stderr_lines[0]} == *"'-x' is no tag" ]]
}

@test "an archive is pushed with its digest, and again without sending it" {
	digest=$(image_archive a.tar one)
	run --separate-stderr -0 push-image.sh a.tar "$R:1"
	[ "$output" = "$R:1@$digest" ]
	[ -z "$stderr" ]
	run -0 push-image.sh a.tar "docker://$R:1.b"
	[ "$output" = "$R:1.b@$digest" ]
	curl -fsS "http://$REGISTRY_REMOTE/v2/${R#*/}/tags/list" | jq -e '.tags | sort == ["1", "1.b"]'
}

@test "an index goes with all that it names" {
	mkdir l
	one=$(image_layout l one)
	cp l/index.json one.json
	image_layout l two
	jq -c --slurpfile one one.json '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: ($one[0].manifests + .manifests)}' l/index.json >index
	digest=$(image_blob l index)
	jq -cn --arg d "$digest" --argjson n "$(stat -c %s index)" '{schemaVersion: 2, manifests: [
		{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $n}]}' >l/index.json
	tar -cf a.tar -C l .
	run -0 push-image.sh a.tar "$R:multi"
	[ "$output" = "$R:multi@$digest" ]
	curl -fsS -o /dev/null -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://$REGISTRY_REMOTE/v2/${R#*/}/manifests/$one"
}

@test "what is not an OCI archive, or has other bytes, is refused" {
	echo no >a.tar
	run --separate-stderr -1 push-image.sh a.tar "$R:1"
	[ "$stderr" = "push-image.sh: 'a.tar' is not a tar archive" ]
	tar -cf a.tar -C / etc/hostname
	run --separate-stderr -1 push-image.sh a.tar "$R:1"
	[[ $stderr == *"'a.tar' is not an OCI archive: it has no oci-layout"* ]]
	mkdir l
	image_layout l one
	layer=$(jq -r '.layers[0].digest' manifest)
	echo x >>"l/blobs/${layer/://}"
	tar -cf a.tar -C l .
	run --separate-stderr -1 push-image.sh a.tar "$R:1"
	[ "$stderr" = "push-image.sh: 'a.tar': blob '$layer' has other bytes" ]
	run -71 push-image.sh nosuch.tar "$R:1"
	[ "$output" = "push-image.sh: open 'nosuch.tar': no such file, or not readable" ]
}

@test "a registry out of reach is 75" {
	image_archive a.tar one
	port=$(free_port)
	run --separate-stderr -75 push-image.sh a.tar "localhost:$port/a:1"
	[[ $stderr == "push-image.sh: 'http://localhost:$port/v2/a/blobs/sha256:"*"cannot be reached: "* ]]
}
