#!/usr/bin/env bats
# push-image.sh and sign-image.sh against a real registry.

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

sig() { # DIGEST: the signature manifest
	curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		"http://$REGISTRY_REMOTE/v2/${R#*/}/manifests/sha256-${1#*:}.sig"
}

@test "--help says how and ends with the exit codes" {
	for s in push-image.sh sign-image.sh; do
		run --separate-stderr -0 "$s" --help
		[ -z "$stderr" ]
		[[ ${lines[0]} == "usage: $s"* ]]
		[[ $output == *example:* && $output == *"exit: 0 done"* ]]
		[ "$("$s" -h)" = "$output" ]
	done
}

@test "wrong usage is 64 and says what is wanted" {
	image_archive a.tar one
	run --separate-stderr -64 push-image.sh a.tar
	[ "${stderr_lines[0]}" = "push-image.sh: want an archive and a reference" ]
	[ "${stderr_lines[1]}" = "usage: push-image.sh ARCHIVE HOST[:PORT]/REPO:TAG" ]
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
	run --separate-stderr -64 sign-image.sh "$R:1"
	[ "${stderr_lines[0]}" = "sign-image.sh: want a key (--key FILE)" ]
	run --separate-stderr -64 sign-image.sh --key
	[ "${stderr_lines[0]}" = "sign-image.sh: option '--key' requires a file" ]
	run --separate-stderr -64 sign-image.sh --key k.pem "$R"
	[ "${stderr_lines[0]}" = "sign-image.sh: '$R' must have a tag or a digest" ]
	run --separate-stderr -64 sign-image.sh --key k.pem "$R@sha256:12"
	[[ ${stderr_lines[0]} == *"'sha256:12' is no sha256 digest" ]]
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
	image_key k P-256
	port=$(free_port)
	run --separate-stderr -75 push-image.sh a.tar "localhost:$port/a:1"
	[[ $stderr == "push-image.sh: 'http://localhost:$port/v2/a/blobs/sha256:"*"cannot be reached: "* ]]
	run --separate-stderr -75 sign-image.sh --key k.pem "localhost:$port/a:1"
	[ -z "$output" ]
}

@test "every kind of key signs in cosign's form, and signatures that are there stay" {
	digest=$(image_archive a.tar one)
	push-image.sh a.tar "$R:1"
	n=0
	for kind in P-256 P-384 P-521 ed25519 rsa:2048; do
		image_key k$n $kind
		run --separate-stderr -0 sign-image.sh --key k$n.pem "$R:1"
		[ "$output" = "$R:1@$digest" ]
		[ -z "$stderr" ]
		n=$((n + 1))
		sig "$digest" | jq -e --argjson n $n '.layers | length == $n'
	done
	layer=$(sig "$digest" | jq -r '[.layers[].digest] | unique | if length == 1 then .[0] else error end')
	curl -fsS "http://$REGISTRY_REMOTE/v2/${R#*/}/blobs/$layer" >payload
	jq -e --arg d "$digest" --arg r "$R" '.critical == {identity: {"docker-reference": $r},
		image: {"docker-manifest-digest": $d}, type: "cosign container image signature"}' payload
	sig "$digest" | jq -r '.layers[0].annotations["dev.cosignproject.cosign/signature"]' |
		base64 -d >s
	openssl dgst -sha256 -verify k0.pub -signature s payload
	sig "$digest" | jq -r '.layers[3].annotations["dev.cosignproject.cosign/signature"]' |
		base64 -d >s
	openssl pkeyutl -verify -pubin -inkey k3.pub -rawin -in payload -sigfile s
}

@test "by digest, and a second time with the same key changes nothing" {
	digest=$(image_archive a.tar one)
	push-image.sh a.tar "$R:1"
	image_key k P-256
	run -0 sign-image.sh --key=k.pem "$R@$digest"
	[ "$output" = "$R@$digest" ]
	before=$(sig "$digest")
	run --separate-stderr -0 sign-image.sh --key k.pem "$R:1"
	[ "$stderr" = "sign-image.sh: '$R:1@$digest' has a signature by 'k.pem' already" ]
	[ "$(sig "$digest")" = "$before" ]
}

@test "no image, no key, a key with a password, a public key: each in its own words" {
	image_archive a.tar one
	push-image.sh a.tar "$R:1"
	image_key k P-256
	run --separate-stderr -1 sign-image.sh --key k.pem "$R:2"
	[ "$stderr" = "sign-image.sh: '$R:2' is not in the registry" ]
	run --separate-stderr -71 sign-image.sh --key nosuch.pem "$R:1"
	[ "$stderr" = "sign-image.sh: open 'nosuch.pem': no such file, or not readable" ]
	run --separate-stderr -71 sign-image.sh --key k.pub "$R:1"
	[ "$stderr" = "sign-image.sh: 'k.pub' is not a private key in PEM form" ]
	openssl pkey -in k.pem -aes256 -passout pass:x -out locked.pem
	run --separate-stderr -71 sign-image.sh --key locked.pem "$R:1"
	[[ $stderr == "sign-image.sh: 'locked.pem' has a password; want a plain PEM key"* ]]
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out odd.pem
	run --separate-stderr -71 sign-image.sh --key odd.pem "$R:1"
	[[ $stderr == *"'odd.pem' is neither ECDSA P-256, P-384 or P-521, nor Ed25519, nor RSA" ]]
}
