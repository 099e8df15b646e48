#!/usr/bin/env bash
# push-image.sh: put an OCI archive into a registry, digests unchanged.
set -euo pipefail
# shellcheck source=scripts/registry.sh
. "$(dirname "$(readlink -f "$0")")/registry.sh"

usage='usage: push-image.sh [--authfile FILE] ARCHIVE HOST[:PORT]/REPO:TAG'

help() {
	cat <<-EOF
		$usage

		Puts the image in ARCHIVE (an OCI image layout as a tar, as build-image.sh makes it) into a
		registry and prints HOST[:PORT]/REPO:TAG@sha256:HEX.  What the registry has is not sent again.
		Loopback is plain HTTP, every other host TLS.

		  --authfile FILE   credentials, as docker login writes them; else where reg-sync finds them
		  -h, --help        this text

		example: push-image.sh robot-app-0.0.1.tar localhost:5000/robot-app:0.0.1

		exit: 0 done, 1 refused or not an OCI archive, 64 wrong usage, 71 this machine is at fault,
		      75 the registry cannot be reached, 78 credentials that cannot be read
	EOF
}

wrong() {
	registry_say "$1"
	echo "$usage" >&2
	exit 64
}

fail() {
	registry_say "$1"
	exit 1
}

# blob DIGEST: the file that has it, its bytes checked.
blob() {
	local file=$dir/blobs/${1/://}
	[[ $1 =~ ^sha256:[0-9a-f]{64}$ ]] || fail "'$archive': '$1' is no sha256 digest"
	[ -f "$file" ] || fail "'$archive': blob '$1' is not in it"
	[ "$(registry_digest "$file")" = "$1" ] || fail "'$archive': blob '$1' has other bytes"
	echo "$file"
}

# push DIGEST MEDIATYPE WHAT: a manifest or index with all that it names, that first.
push() {
	local digest=$1 type=$2 what=$3 file part list
	file=$(blob "$digest")
	case "$type" in
	*.index.v1+json | *.manifest.list.v2+json)
		list=$(jq -r '.manifests[] | .digest + " " + .mediaType' "$file") ||
			fail "'$archive': '$digest' is not an index"
		while read -r part type; do
			push "$part" "$type" "$part"
		done <<<"$list"
		type=$2
		;;
	*.manifest.v1+json | *.manifest.v2+json)
		list=$(jq -r '(.config, .layers[]) | .digest' "$file") ||
			fail "'$archive': '$digest' is not a manifest"
		for part in $list; do
			part=$(blob "$part")
			registry_put_blob "$REF_HOST" "$REF_REPO" "$part" >/dev/null
		done
		;;
	*) fail "'$archive': '$type' is no kind of image" ;;
	esac
	registry_put_manifest "$REF_HOST" "$REF_REPO" "$what" "$file" "$type" >/dev/null
}

files=()
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help)
		help
		exit 0
		;;
	--authfile)
		[ $# -gt 1 ] || wrong "option '--authfile' requires a file"
		REGISTRY_AUTH_FILE=$2
		shift
		;;
	--authfile=*) REGISTRY_AUTH_FILE=${1#*=} ;;
	--)
		shift
		files+=("$@")
		break
		;;
	-?*) wrong "unknown option '$1'" ;;
	*) files+=("$1") ;;
	esac
	shift
done
[ "${#files[@]}" -eq 2 ] || wrong "want an archive and a reference"
archive=${files[0]}
registry_parse "${files[1]}" || {
	echo "$usage" >&2
	exit 64
}
[ "${REF_TAG:+tag}$REF_DIGEST" = tag ] || wrong "'${files[1]}' must have a tag and no digest"
registry_need curl jq tar sha256sum

[ -r "$archive" ] || {
	registry_say "open '$archive': no such file, or not readable"
	exit 71
}
dir=$(mktemp -d) || exit 71
trap 'rm -rf "$dir"' EXIT
tar -xf "$archive" -C "$dir" 2>/dev/null || fail "'$archive' is not a tar archive"
jq -e '.imageLayoutVersion == "1.0.0"' "$dir/oci-layout" >/dev/null 2>&1 ||
	fail "'$archive' is not an OCI archive: it has no oci-layout of version 1.0.0"
top=$(jq -r '.manifests[] | .digest + " " + .mediaType' "$dir/index.json" 2>/dev/null) ||
	fail "'$archive' is not an OCI archive: its index.json is not an index"
[ "$(grep -c . <<<"$top")" = 1 ] || fail "'$archive' must have one image in its index.json"
push "${top% *}" "${top#* }" "$REF_TAG"
echo "$REF_HOST/$REF_REPO:$REF_TAG@${top% *}"
