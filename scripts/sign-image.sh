#!/usr/bin/env bash
# sign-image.sh: sign an image in a registry with a plain PEM key, in cosign's classic form.
set -euo pipefail
# shellcheck source=scripts/registry.sh
. "$(dirname "$(readlink -f "$0")")/registry.sh"

usage='usage: sign-image.sh [--authfile FILE] --key KEY.pem HOST[:PORT]/REPO(:TAG|@sha256:HEX)'
payload_type=application/vnd.dev.cosign.simplesigning.v1+json
manifest_type=application/vnd.oci.image.manifest.v1+json

help() {
	cat <<-EOF
		$usage

		Signs an image (or an index) that is in a registry and prints its name with the digest that
		was signed.  The signature is stored beside it under the tag sha256-HEX.sig, as cosign 2 does
		and as 'img-verify --key' and 'cosign verify --key' read it.  Signatures that are there stay;
		signing again with the same key changes nothing.

		  --key FILE        private key, PEM without a password: ECDSA, Ed25519 or RSA
		  --authfile FILE   credentials, as docker login writes them; else where reg-sync finds them
		  -h, --help        this text

		example: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out release.pem
		         openssl pkey -in release.pem -pubout -out release.pub
		         sign-image.sh --key release.pem localhost:5000/robot-app:0.0.1

		exit: 0 done, 1 refused or no such image, 64 wrong usage, 71 this machine is at fault,
		      75 the registry cannot be reached, 78 credentials that cannot be read
	EOF
}

wrong() {
	registry_say "$1"
	echo "$usage" >&2
	exit 64
}

fail() { # [STATUS] WORDS
	local status=1
	[ $# -eq 1 ] || { status=$1 && shift; }
	registry_say "$1"
	exit "$status"
}

# read_key: sets kind; a key with a password is refused, not asked about.
read_key() {
	local text
	[ -r "$key" ] || fail 71 "open '$key': no such file, or not readable"
	! grep -q 'ENCRYPTED.*PRIVATE KEY' "$key" ||
		fail 71 "'$key' has a password; want a plain PEM key (openssl pkey -in … -out …)"
	text=$(openssl pkey -in "$key" -passin pass: -pubout 2>/dev/null |
		openssl pkey -pubin -noout -text 2>/dev/null) ||
		fail 71 "'$key' is not a private key in PEM form"
	case "$text" in
	*ED25519*) kind=ed25519 ;;
	*'NIST CURVE: P-256'* | *'NIST CURVE: P-384'* | *'NIST CURVE: P-521'*) kind=ecdsa ;;
	*Modulus*) kind=rsa ;;
	*) fail 71 "'$key' is neither ECDSA P-256, P-384 or P-521, nor Ed25519, nor RSA" ;;
	esac
	openssl pkey -in "$key" -pubout -out "$dir/pub"
}

sign() { # FILE → signature on stdout
	case $kind in
	ed25519) openssl pkeyutl -sign -inkey "$key" -rawin -in "$1" ;;
	*) openssl dgst -sha256 -sign "$key" "$1" ;;
	esac
}

signed_by_us() { # FILE SIGNATURE-FILE
	case $kind in
	ed25519)
		openssl pkeyutl -verify -pubin -inkey "$dir/pub" -rawin -in "$1" -sigfile "$2"
		;;
	*) openssl dgst -sha256 -verify "$dir/pub" -signature "$2" "$1" ;;
	esac >/dev/null 2>&1
}

# already: one of the signatures in $dir/manifest is ours over this payload.
already() {
	local s
	while read -r s; do
		base64 -d <<<"$s" >"$dir/old" 2>/dev/null || continue
		! signed_by_us "$dir/payload" "$dir/old" || return 0
	done < <(jq -r --arg d "$payload" '.layers[] | select(.digest == $d)
		| .annotations["dev.cosignproject.cosign/signature"] // empty' "$dir/manifest")
	return 1
}

key='' refs=()
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help)
		help
		exit 0
		;;
	--key)
		[ $# -gt 1 ] || wrong "option '--key' requires a file"
		key=$2
		shift
		;;
	--key=*) key=${1#*=} ;;
	--authfile)
		[ $# -gt 1 ] || wrong "option '--authfile' requires a file"
		REGISTRY_AUTH_FILE=$2
		shift
		;;
	--authfile=*) REGISTRY_AUTH_FILE=${1#*=} ;;
	--)
		shift
		refs+=("$@")
		break
		;;
	-?*) wrong "unknown option '$1'" ;;
	*) refs+=("$1") ;;
	esac
	shift
done
[ -n "$key" ] || wrong "want a key (--key FILE)"
[ "${#refs[@]}" -eq 1 ] || wrong "want one image reference"
registry_parse "${refs[0]}" || {
	echo "$usage" >&2
	exit 64
}
[ -n "$REF_TAG$REF_DIGEST" ] || wrong "'${refs[0]}' must have a tag or a digest"
registry_need curl jq openssl sha256sum base64

dir=$(mktemp -d) || exit 71
trap 'rm -rf "$dir"' EXIT
read_key

status=0
digest=$(registry_get_manifest "$REF_HOST" "$REF_REPO" "${REF_DIGEST:-$REF_TAG}" "$dir/image") ||
	status=$?
[ $status -ne 2 ] || fail "'${refs[0]}' is not in the registry"
[ $status -eq 0 ] || exit $status
named=$REF_HOST/$REF_REPO${REF_TAG:+:$REF_TAG}@$digest
tag=sha256-${digest#*:}.sig

printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
	"$REF_HOST/$REF_REPO" "$digest" >"$dir/payload"
payload=$(registry_digest "$dir/payload")

registry_get_manifest "$REF_HOST" "$REF_REPO" "$tag" "$dir/manifest" >/dev/null || status=$?
if [ $status -eq 2 ]; then
	jq -cn --arg t "$manifest_type" '{schemaVersion: 2, mediaType: $t, config: {}, layers: []}' \
		>"$dir/manifest"
elif [ $status -ne 0 ]; then
	exit $status
elif already; then
	registry_say "'$named' has a signature by '$key' already"
	echo "$named"
	exit 0
fi

sign "$dir/payload" >"$dir/signature" || fail 71 "'$key' could not sign"
jq -c --arg t "$payload_type" --arg d "$payload" --argjson n "$(stat -c %s "$dir/payload")" \
	--arg s "$(base64 -w 0 "$dir/signature")" '.layers += [{mediaType: $t, size: $n, digest: $d,
	annotations: {"dev.cosignproject.cosign/signature": $s}}]' "$dir/manifest" >"$dir/layers"
# cosign reads a signature as an image: its config has one diff_id for each layer
jq -c '{architecture: "", created: "0001-01-01T00:00:00Z", os: "", config: {},
	history: [.layers[] | {created: "0001-01-01T00:00:00Z"}],
	rootfs: {type: "layers", diff_ids: [.layers[].digest]}}' "$dir/layers" >"$dir/config"
config=$(registry_digest "$dir/config")
jq -cj --arg d "$config" --argjson n "$(stat -c %s "$dir/config")" \
	'.config = {mediaType: "application/vnd.oci.image.config.v1+json", size: $n, digest: $d}' \
	"$dir/layers" >"$dir/manifest"

registry_put_blob "$REF_HOST" "$REF_REPO" "$dir/payload" >/dev/null
registry_put_blob "$REF_HOST" "$REF_REPO" "$dir/config" >/dev/null
registry_put_manifest "$REF_HOST" "$REF_REPO" "$tag" "$dir/manifest" \
	"$(jq -r --arg t "$manifest_type" '.mediaType // $t' "$dir/manifest")" >/dev/null
echo "$named"
