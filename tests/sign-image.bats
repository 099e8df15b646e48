#!/usr/bin/env bats
# sign-image.sh against a real registry.

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
	run --separate-stderr -0 sign-image.sh --help
	[ -z "$stderr" ]
	[[ ${lines[0]} == "usage: sign-image.sh"* ]]
	[[ $output == *example:* && $output == *"exit: 0 done"* ]]
	[ "$(sign-image.sh -h)" = "$output" ]
}

@test "wrong usage is 64 and says what is wanted" {
	run --separate-stderr -64 sign-image.sh "$R:1"
	[ "${stderr_lines[0]}" = "sign-image.sh: want a key (--key FILE)" ]
	run --separate-stderr -64 sign-image.sh --key
	[ "${stderr_lines[0]}" = "sign-image.sh: option '--key' requires a file" ]
	run --separate-stderr -64 sign-image.sh --key k.pem "$R"
	[ "${stderr_lines[0]}" = "sign-image.sh: '$R' must have a tag or a digest" ]
	run --separate-stderr -64 sign-image.sh --key k.pem "$R@sha256:12"
	[[ ${stderr_lines[0]} == *"'sha256:12' is no sha256 digest" ]]
}

@test "a registry out of reach is 75" {
	image_key k P-256
	run --separate-stderr -75 sign-image.sh --key k.pem "localhost:$(free_port)/a:1"
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
