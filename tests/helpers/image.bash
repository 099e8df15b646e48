# Small images for tests: an OCI archive made of nothing but jq and tar.

# image_blob DIR FILE: FILE into the layout DIR; prints its digest.
image_blob() {
	local sum
	sum=$(sha256sum <"$2")
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/${sum%% *}"
	echo "sha256:${sum%% *}"
}

# image_layout DIR WORD: a layout with one image whose one layer holds WORD; prints its digest.
image_layout() {
	local dir=$1 word=$2 tmp=$BATS_TEST_TMPDIR layer config manifest
	mkdir -p "$dir" "$tmp"
	printf '%s\n' "$word" >"$tmp/word"
	tar -cf "$tmp/layer" --mtime=@0 --owner=0 --group=0 -C "$tmp" word
	layer=$(image_blob "$dir" "$tmp/layer")
	jq -cn --arg d "$layer" '{architecture: "amd64", os: "linux", config: {},
		rootfs: {type: "layers", diff_ids: [$d]}}' >"$tmp/config"
	config=$(image_blob "$dir" "$tmp/config")
	jq -cn --arg c "$config" --argjson cn "$(stat -c %s "$tmp/config")" \
		--arg l "$layer" --argjson ln "$(stat -c %s "$tmp/layer")" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: $cn},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $l, size: $ln}]}' \
		>"$tmp/manifest"
	manifest=$(image_blob "$dir" "$tmp/manifest")
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	jq -cn --arg d "$manifest" --argjson n "$(stat -c %s "$tmp/manifest")" '{schemaVersion: 2,
		manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]}' \
		>"$dir/index.json"
	echo "$manifest"
}

# image_archive FILE WORD: the same as a tar; prints the digest.
image_archive() {
	local dir
	dir=$(mktemp -d -p "$BATS_TEST_TMPDIR")
	image_layout "$dir" "$2"
	tar -cf "$1" -C "$dir" .
}

# image_key NAME KIND: NAME.pem and NAME.pub; KIND is P-256, P-384, P-521, ed25519 or rsa:BITS.
image_key() {
	case "$2" in
	P-*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$1.pem" ;;
	ed25519) openssl genpkey -algorithm ed25519 -out "$1.pem" ;;
	rsa:*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" -out "$1.pem" ;;
	esac 2>/dev/null
	openssl pkey -in "$1.pem" -pubout -out "$1.pub"
}
