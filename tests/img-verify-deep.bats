#!/usr/bin/env bats
# img-verify --deep and --platform: beyond who signed, is everything there and what it should be?

setup_file() {
	load helpers/common
	load helpers/image
	start_registry ours
	(cd "$BATS_FILE_TMPDIR" && image_key k P-256)
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	PATH="$ROOT/scripts:$PATH"
	. "$ROOT/scripts/registry.sh"
	HOST=$REGISTRY_OURS
	REPO=test-$BATS_TEST_NUMBER
	O=$HOST/$REPO
	PEM=$BATS_FILE_TMPDIR/k.pem
	export VERIFY_KEY=$BATS_FILE_TMPDIR/k.pub
	cd "$BATS_TEST_TMPDIR"
}

MANIFEST=application/vnd.oci.image.manifest.v1+json
INDEX=application/vnd.oci.image.index.v1+json
LAYER=application/vnd.oci.image.layer.v1.tar

descriptor() { # TYPE FILE
	jq -cn --arg t "$1" --arg d "sha256:$(sha256sum <"$2" | cut -c 1-64)" --argjson n "$(stat -c %s "$2")" \
		'{mediaType: $t, digest: $d, size: $n}'
}

# image TAG JQ-OVER-CONFIG [TYPE-END LAYER-FILE]...: an image of linux/arm64; its digest on stdout.  The diff_ids
# are those of the files named like the layers with .tar at the end.
image() {
	local tag=$1 edit=$2 ids=()
	shift 2
	: >"layers-$tag"
	while [ $# -gt 0 ]; do
		registry_put_blob "$HOST" "$REPO" "$2" >/dev/null
		descriptor "$LAYER$1" "$2" >>"layers-$tag"
		ids+=("sha256:$(sha256sum <"${2%%.*}.tar" | cut -c 1-64)")
		shift 2
	done
	jq -cn --argjson ids "$(printf '%s\n' "${ids[@]}" | jq -R 'select(. != "")' | jq -s .)" \
		"{architecture: \"arm64\", os: \"linux\", rootfs: {type: \"layers\", diff_ids: \$ids}} | $edit" >"config-$tag"
	registry_put_blob "$HOST" "$REPO" "config-$tag" >/dev/null
	jq -cs --argjson c "$(descriptor application/vnd.oci.image.config.v1+json "config-$tag")" --arg t "$MANIFEST" \
		'{schemaVersion: 2, mediaType: $t, config: $c, layers: .}' "layers-$tag" >"manifest-$tag"
	registry_put_manifest "$HOST" "$REPO" "$tag" "manifest-$tag" "$MANIFEST"
}

signed() { # as image, and signed
	local d
	d=$(image "$@")
	sign-image.sh --key "$PEM" "$O@$d" >/dev/null
	echo "$d"
}

# index TAG [PLATFORM-JSON MANIFEST-FILE]...: its digest
index() {
	local tag=$1
	shift
	: >"children-$tag"
	while [ $# -gt 0 ]; do
		descriptor "$MANIFEST" "$2" | jq -c --argjson p "$1" '.platform = $p' >>"children-$tag"
		shift 2
	done
	jq -cs --arg t "$INDEX" '{schemaVersion: 2, mediaType: $t, manifests: .}' "children-$tag" >"index-$tag"
	registry_put_manifest "$HOST" "$REPO" "$tag" "index-$tag" "$INDEX"
}

blob_file() { # DIGEST
	local hex=${1#*:}
	echo "$BATS_FILE_TMPDIR/ours/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data"
}

layers() { # one.tar, two.tar, packed as well
	echo one >one
	head -c 300000 /dev/urandom >two
	for n in one two; do tar -cf $n.tar --mtime=@0 $n; done
	gzip -nk two.tar
	zstd -q one.tar
}

no() { # WORDS REF: --deep refuses it in these words, what the signature alone does not see
	run -0 img-verify "$2"
	run --separate-stderr -1 img-verify --deep "$2"
	[ -z "$output" ]
	[[ $stderr == "img-verify: $2: "*"$1"* ]] || {
		echo "$stderr" >&2
		return 1
	}
}

@test "--deep: plain, gzip and zstd layers that are what the config says" {
	layers
	d=$(signed 1 . '' one.tar +gzip two.tar.gz +zstd one.tar.zst)
	run --separate-stderr -0 img-verify --deep "$O:1"
	[ "$output" = "$O:1@$d" ]
	[ -z "$stderr" ]
}

@test "--deep: layers that unpack to something else, or cannot be unpacked" {
	layers
	signed 1 '.rootfs.diff_ids[1] = .rootfs.diff_ids[0]' '' one.tar +gzip two.tar.gz
	no "layer 2: 'sha256:$(sha256sum <two.tar.gz | cut -c 1-64)' unpacks to 'sha256:$(sha256sum <two.tar | cut -c 1-64)', but the config says 'sha256:$(sha256sum <one.tar | cut -c 1-64)'" "$O:1"
	signed 2 '.rootfs.diff_ids |= .[:1]' '' one.tar +gzip two.tar.gz
	no 'has 1 diff_ids for 2 layers' "$O:2"
	signed 3 'del(.rootfs)' '' one.tar
	no 'has 0 diff_ids for 1 layers' "$O:3"
	signed 4 '.rootfs.diff_ids[0] = "x"' '' one.tar
	no "'x' is not a digest" "$O:4"
	signed 5 . +zstd two.tar.gz
	no "layer 1: 'sha256:$(sha256sum <two.tar.gz | cut -c 1-64)' cannot be unpacked: " "$O:5"
	signed 6 . +xz two.tar.gz
	no "is of type '$LAYER+xz', which no layer has" "$O:6"
}

@test "--deep: a layer that the registry has lost, or not kept well" {
	layers
	signed 1 . '' one.tar +gzip two.tar.gz
	file=$(blob_file "sha256:$(sha256sum <two.tar.gz | cut -c 1-64)")
	printf X | dd of="$file" bs=1 seek=1000 conv=notrunc status=none
	no "layer 2: 'sha256:$(sha256sum <two.tar.gz | cut -c 1-64)' has digest 'sha256:$(sha256sum <"$file" | cut -c 1-64)'" "$O:1"
	rm "$file"
	no "404" "$O:1"
}

@test "--deep: a layer that unpacks to more than it may" {
	# zstd blocks that stand for 128 KiB of zeros each: 1 GiB and one of them more
	{
		printf '\x28\xb5\x2f\xfd\x00\x38'
		for _ in {1..32}; do
			block=''
			for _ in {1..256}; do block+='\x02\x00\x10\x00'; done
			# shellcheck disable=SC2059
			printf "$block"
		done
		printf '\x03\x00\x10\x00'
	} >bomb.zst
	: >bomb.tar
	signed 1 . +zstd bomb.zst
	no "unpacks to more than 1073741824 bytes" "$O:1"
}

@test "--deep of an index is everything that it names; --platform is one image of it" {
	layers
	image arm . '' one.tar
	image amd '.architecture = "amd64"' +gzip two.tar.gz
	d=$(index all '{"os":"linux","architecture":"arm64","variant":"v8"}' manifest-arm \
		'{"os":"linux","architecture":"amd64"}' manifest-amd)
	sign-image.sh --key "$PEM" "$O:all"
	run --separate-stderr -0 img-verify --deep "$O:all"
	[ "$output" = "$O:all@$d" ]
	rm "$(blob_file "sha256:$(sha256sum <two.tar.gz | cut -c 1-64)")"
	no 404 "$O:all"
	# the index's signature covers the image, and the image's digest is what comes out
	for p in linux/arm64 linux/arm64/v8; do
		run --separate-stderr -0 img-verify --deep --platform $p "$O:all"
		[ "$output" = "$O:all@sha256:$(sha256sum <manifest-arm | cut -c 1-64)" ]
	done
	run -0 img-verify --platform linux/amd64 "$O:all"
	run --separate-stderr -1 img-verify --platform linux/amd64 --deep "$O:all"
	[[ $stderr == *404* ]]
	run --separate-stderr -1 img-verify --platform linux/riscv64 "$O:all"
	[ "$stderr" = "img-verify: $O:all: '$d' has no image for 'linux/riscv64'" ]
}

@test "--platform: the image's own signature will do, and without either there is none" {
	layers
	arm=$(image arm . '' one.tar)
	d=$(index all '{"os":"linux","architecture":"arm64"}' manifest-arm)
	run --separate-stderr -1 img-verify --platform linux/arm64 "$O:all"
	[ -z "$output" ]
	[[ $stderr == *"'$O@$arm' is not signed"* ]]
	sign-image.sh --key "$PEM" "$O@$arm"
	run -0 img-verify --platform linux/arm64 "$O:all"
	[ "$output" = "$O:all@$arm" ]
	run -1 img-verify "$O:all"
	# the same for an image without an index
	run -0 img-verify --platform linux/arm64 "$O:arm"
	[ "$output" = "$O:arm@$arm" ]
	run --separate-stderr -1 img-verify --platform linux/arm/v7 "$O:arm"
	[ "$stderr" = "img-verify: $O:arm: '$arm' is for 'linux/arm64', not 'linux/arm/v7'" ]
	# two that fit: which one is meant?
	image other '.config = {}' '' one.tar
	two=$(index two '{"os":"linux","architecture":"arm","variant":"v6"}' manifest-arm \
		'{"os":"linux","architecture":"arm","variant":"v7"}' manifest-other)
	run --separate-stderr -1 img-verify --platform linux/arm "$O:two"
	[ "$stderr" = "img-verify: $O:two: '$two' has several images for 'linux/arm'" ]
}

@test "--platform that is none is 64" {
	run --separate-stderr -64 img-verify --platform arm64 "$O:1"
	[ "${stderr_lines[0]}" = "img-verify: --platform: 'arm64' is not OS/ARCH[/VARIANT]" ]
}
