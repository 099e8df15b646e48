#!/usr/bin/env bash
# registry.sh: a registry's write side with curl and jq, for scripts that source this file.
#
#   registry_parse REF                 sets REF_HOST REF_REPO REF_TAG REF_DIGEST
#   registry_need PROGRAM...           all of them are installed, or 71
#   registry_has_blob HOST REPO DIGEST
#   registry_put_blob HOST REPO FILE                      prints the digest
#   registry_get_manifest HOST REPO WHAT FILE             prints the digest of what it wrote to FILE
#   registry_put_manifest HOST REPO WHAT FILE MEDIATYPE   prints the digest
#
# A function that fails has said why on standard error and returns 1 (refused), 2 (not there; said
# by the caller), 64 (a bad reference), 71 (this machine) or 75 (not reached).  Loopback is plain
# HTTP, everything else is TLS.
# Who wants credentials gets those that reg-sync(1) would find; see registry-auth.sh.
# shellcheck disable=SC2034

# shellcheck source=scripts/registry-auth.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/registry-auth.sh"

registry_accept='application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json'

registry_say() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
}

registry_need() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null && continue
		registry_say "the program '$p' is missing"
		return 71
	done
}

registry_parse() {
	local rest=${1#docker://}
	REF_HOST='' REF_REPO='' REF_TAG='' REF_DIGEST=''
	if [[ $rest == *@* ]]; then
		REF_DIGEST=${rest##*@}
		rest=${rest%@*}
		if ! [[ $REF_DIGEST =~ ^sha256:[0-9a-f]{64}$ ]]; then
			registry_say "'$1' is not an image reference: '$REF_DIGEST' is no sha256 digest"
			return 64
		fi
	fi
	if [[ $rest =~ ^.*/[^/:]+:([^/:]*)$ ]]; then
		REF_TAG=${rest##*:}
		rest=${rest%:*}
		if ! [[ $REF_TAG =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]]; then
			registry_say "'$1' is not an image reference: '$REF_TAG' is no tag"
			return 64
		fi
	fi
	REF_HOST=${rest%%/*}
	REF_REPO=${rest#*/}
	if [[ $rest != */* ]] || ! [[ $REF_HOST == localhost || $REF_HOST == *[.:]* ]]; then
		registry_say "'$1' is not an image reference: it names no registry (HOST[:PORT]/REPO)"
		return 64
	fi
	if ! [[ $REF_HOST =~ ^([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?$ ]] ||
		! [[ $REF_REPO =~ ^[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*$ ]]; then
		registry_say "'$1' is not an image reference: want HOST[:PORT]/REPO[:TAG][@sha256:HEX]"
		return 64
	fi
}

registry_url() {
	case "$1" in
	localhost | localhost:* | 127.* | '[::1]' | '[::1]':*) echo "http://$1" ;;
	*) echo "https://$1" ;;
	esac
}

# registry_ask METHOD URL FILE [CURL-OPTION...]: the answer's body into FILE ('' for nowhere); sets
# REGISTRY_STATUS, REGISTRY_HEADERS and the beginning of the body, REGISTRY_BODY.
registry_ask() {
	local status=0
	registry_ask_once "$@" || return
	[ "$REGISTRY_STATUS" = 401 ] || return 0
	registry_authorize "$2" || status=$?
	case $status in
	0) registry_ask_once "$@" ;;
	1) ;;
	*) return $status ;;
	esac
}

registry_ask_once() {
	local method=$1 url=$2 file=$3 tmp status=0 login=''
	shift 3
	[[ -z $REGISTRY_LOGIN || $url != "$REGISTRY_LOGIN_FOR"* ]] || login=$REGISTRY_LOGIN
	tmp=$(mktemp -d) || return 71
	# --http1.1 and no Expect keep the answer to one header block
	curl -sS --http1.1 --connect-timeout 10 --speed-limit 1 --speed-time 60 -H 'Expect:' \
		-X "$method" -D "$tmp/headers" -o "$tmp/body" -K - "$@" "$url" 2>"$tmp/why" <<<"$login" ||
		status=$?
	if [ $status -eq 0 ]; then
		touch "$tmp/body"
		REGISTRY_HEADERS=$(tr -d '\r\0' <"$tmp/headers")
		REGISTRY_BODY=$(head -c 65536 "$tmp/body" | tr -d '\0')
		REGISTRY_STATUS=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' <<<"$REGISTRY_HEADERS")
		[ -z "$file" ] || mv "$tmp/body" "$file" || status=71
	else
		registry_say "'${url%%\?*}' cannot be reached: $(sed -n '1s/^curl: ([0-9]*) //p' "$tmp/why")"
		status=75
	fi
	rm -rf "$tmp"
	return $status
}

registry_header() {
	sed -n "1d;s/^$1:[[:space:]]*//Ip" <<<"$REGISTRY_HEADERS" | head -n 1
}

# registry_refused WHAT: the answer in words.
registry_refused() {
	local words
	words=$(jq -r '[.errors[] | .code + ": " + .message] | join(", ")' <<<"$REGISTRY_BODY" 2>/dev/null) ||
		words="answered $(registry_header content-type)"
	registry_say "$1: $REGISTRY_STATUS ${words:-without a reason}"
	case "$REGISTRY_STATUS" in
	429 | 5??) return 75 ;;
	*) return 1 ;;
	esac
}

registry_digest() {
	local sum
	sum=$(sha256sum <"$1") || return 71
	echo "sha256:${sum%% *}"
}

registry_has_blob() {
	registry_ask HEAD "$(registry_url "$1")/v2/$2/blobs/$3" '' --head || return
	[ "$REGISTRY_STATUS" = 200 ] && return
	[ "$REGISTRY_STATUS" = 404 ] && return 2
	registry_refused "look for blob '$3' in '$1/$2'"
}

registry_put_blob() {
	local host=$1 repo=$2 file=$3 url digest to status=0
	url=$(registry_url "$host")
	digest=$(registry_digest "$file") || return
	registry_has_blob "$host" "$repo" "$digest" || status=$?
	case $status in
	0)
		echo "$digest"
		return
		;;
	2) ;;
	*) return "$status" ;;
	esac
	registry_ask POST "$url/v2/$repo/blobs/uploads/" '' -H 'Content-Length: 0' || return
	to=$(registry_header location)
	if [ "$REGISTRY_STATUS" != 202 ] || [ -z "$to" ]; then
		registry_refused "start an upload to '$host/$repo'"
		return
	fi
	[[ $to == http*://* ]] || to=$url$to
	[[ $to == *\?* ]] && to="$to&digest=$digest" || to="$to?digest=$digest"
	registry_ask PUT "$to" '' -H 'Content-Type: application/octet-stream' -T "$file" || return
	if [ "$REGISTRY_STATUS" != 201 ]; then
		registry_refused "store blob '$digest' in '$host/$repo'"
		return
	fi
	echo "$digest"
}

registry_get_manifest() {
	local host=$1 repo=$2 what=$3 file=$4 url digest
	url=$(registry_url "$host")/v2/$repo/manifests/$what
	registry_ask GET "$url" "$file" --max-filesize 4194304 -H "Accept: $registry_accept" || return
	[ "$REGISTRY_STATUS" != 404 ] || return 2
	if [ "$REGISTRY_STATUS" != 200 ]; then
		registry_refused "read '$what' of '$host/$repo'"
		return
	fi
	digest=$(registry_digest "$file") || return
	if [[ $what == sha256:* ]] && [ "$digest" != "$what" ]; then
		registry_say "'$host/$repo' answered '$digest' for '$what'"
		return 1
	fi
	if ! jq -e 'type == "object" and (.schemaVersion == 2)' "$file" >/dev/null 2>&1; then
		registry_say "'$what' of '$host/$repo' is not a manifest"
		return 1
	fi
	echo "$digest"
}

registry_put_manifest() {
	local host=$1 repo=$2 what=$3 file=$4 type=$5 digest got
	digest=$(registry_digest "$file") || return
	registry_ask PUT "$(registry_url "$host")/v2/$repo/manifests/$what" '' \
		-H "Content-Type: $type" --data-binary "@$file" || return
	if [ "$REGISTRY_STATUS" != 201 ]; then
		registry_refused "store manifest '$what' in '$host/$repo'"
		return
	fi
	got=$(registry_header docker-content-digest)
	if [ -n "$got" ] && [ "$got" != "$digest" ]; then
		registry_say "'$host/$repo' stored '$what' as '$got', not as '$digest'"
		return 1
	fi
	echo "$digest"
}
