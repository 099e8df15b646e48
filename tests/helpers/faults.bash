# Registries with habits (faultreg) and links that break (faultproxy), loaded after helpers/common.

# start_faultreg: a registry in memory at $FAULT, without habits until `modes` is called.
start_faultreg() {
	local port
	port=$(free_port)
	"$B/helpers/faultreg" "$port" "$(free_port)" 2>"$BATS_FILE_TMPDIR/faultreg.log" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	export FAULT=127.0.0.1:$port
	wait_for 10 curl -fsS "http://$FAULT/v2/"
}

# modes LIST: its habits from now on; the counts start anew.
modes() {
	curl -fsS -d "$1" "http://$FAULT/_modes"
}

# asked KIND: how often since, "GET-manifest" for one; bytes for bytes-in and bytes-out.
asked() {
	curl -fsS "http://$FAULT/_stats" | awk -v k="$1" '$1 == k { n = $2 } END { print n + 0 }'
}

# asked_twice: the requests that were answered more than once, as "twice NUMBER REQUEST".
asked_twice() {
	curl -fsS "http://$FAULT/_stats" | grep '^twice' || true
}

# start_proxy NAME HOST:PORT [WHAT=N]...: a link to that host at $PROXY_NAME; its counts are in
# NAME.counts.  stop_proxy NAME ends it.
start_proxy() {
	local name=$1 to=$2 port
	shift 2
	port=$(free_port)
	: >"$BATS_TEST_TMPDIR/$name.counts"
	"$B/helpers/faultproxy" "$port" "$to" "$BATS_TEST_TMPDIR/$name.counts" "$@" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/$name.proxy"
	printf -v "PROXY_${name^^}" '127.0.0.1:%s' "$port"
	wait_for 10 test -s "$BATS_TEST_TMPDIR/$name.counts"
}

stop_proxy() {
	kill "$(cat "$BATS_TEST_TMPDIR/$1.proxy")"
	rm -f "$BATS_TEST_TMPDIR/$1.proxy"
}

# For teardown: no proxy outlives its test.
stop_proxies() {
	local f
	for f in "$BATS_TEST_TMPDIR"/*.proxy; do
		[ ! -f "$f" ] || kill "$(cat "$f")" 2>/dev/null || true
	done
}

# crossed NAME up|down|cuts: bytes from or to the clients so far, or how often it broke.
crossed() {
	awk -v what="$2" '{ print what == "up" ? $1 : what == "down" ? $2 : $4 }' \
		"$BATS_TEST_TMPDIR/$1.counts"
}

# start_engine_proxy NAME: the site's engine at the socket $BATS_TEST_TMPDIR/NAME, which answers 500 as
# the file NAME.fault there says (see helpers/engineproxy.js).  stop_proxy NAME ends it.
start_engine_proxy() {
	local at=$BATS_TEST_TMPDIR/$1
	node "$ROOT/tests/helpers/engineproxy.js" "$at" "$SITE/docker.sock" "$at.fault" 3>&- &
	echo $! >"$at.proxy"
	wait_for 10 test -S "$at"
}

# put_blob HOST/REPO FILE: as a client without any care would; prints the descriptor.
put_blob() {
	local at=http://${1%%/*}/v2/${1#*/} sum to
	sum=$(sha256sum <"$2")
	sum=sha256:${sum%% *}
	if ! curl -fsI -o /dev/null "$at/blobs/$sum"; then
		to=$(curl -fsS -D - -o /dev/null -X POST "$at/blobs/uploads/" | tr -d '\r' |
			sed -n 's/^[Ll]ocation: //p')
		[[ $to == *\?* ]] && to+='&' || to+='?'
		curl -fsS -o /dev/null -T "$2" "${to}digest=$sum"
	fi
	printf '{"mediaType":"application/octet-stream","digest":"%s","size":%d}\n' "$sum" "$(stat -c %s "$2")"
}

# put_manifest HOST/REPO WHAT FILE [TYPE]: what its mediaType says it is; prints the digest.
put_manifest() {
	curl -fsS -o /dev/null -H "Content-Type: ${4:-$(jq -r .mediaType "$3")}" -X PUT --data-binary "@$3" \
		"http://${1%%/*}/v2/${1#*/}/manifests/$2"
	echo "sha256:$(sha256sum <"$3" | cut -d' ' -f1)"
}

# put_image HOST/REPO TAG LAYER-FILE...: an image of those layers; prints its digest.
put_image() {
	local at=$1 tag=$2 tmp
	shift 2
	tmp=$(mktemp -d -p "$BATS_TEST_TMPDIR")
	# a configuration of its own makes the image another one
	jq -cn --arg t "$tag" '{architecture: "amd64", os: "linux", rootfs: {type: "layers", diff_ids: []},
		config: {Labels: {tag: $t}}}' >"$tmp/config"
	put_blob "$at" "$tmp/config" >"$tmp/config.json"
	for f in "$@"; do put_blob "$at" "$f"; done |
		jq -cs --slurpfile c "$tmp/config.json" '{schemaVersion: 2,
			mediaType: "application/vnd.oci.image.manifest.v1+json",
			config: ($c[0] + {mediaType: "application/vnd.oci.image.config.v1+json"}),
			layers: map(. + {mediaType: "application/vnd.oci.image.layer.v1.tar+gzip"})}' >"$tmp/manifest"
	put_manifest "$at" "$tag" "$tmp/manifest"
	rm -rf "$tmp"
}

# put_many HOST/REPO N LAYER-FILE...: tags 0.0.1 to 0.0.N of images that differ in a note only.
put_many() {
	local at=$1 n=$2 tmp
	shift 2
	tmp=$(mktemp -d -p "$BATS_TEST_TMPDIR")
	put_image "$at" 0.0.1 "$@" >/dev/null
	digest_at "$at" 0.0.1 >/dev/null
	jq -c --argjson n "$n" 'range(1; $n + 1) as $i | .annotations = {number: "\($i)"}' \
		"$BATS_TEST_TMPDIR/at" | split -l 1 -a 4 --numeric-suffixes=1 - "$tmp/"
	for ((i = 1; i <= n; i++)); do
		printf 'url = http://%s/v2/%s/manifests/0.0.%d\nupload-file = %s/%04d\n' "${at%%/*}" \
			"${at#*/}" "$i" "$tmp" "$i"
	done >"$tmp/put"
	curl -fsS -K "$tmp/put" -H 'Content-Type: application/vnd.oci.image.manifest.v1+json'
	rm -rf "$tmp"
}

# random FILE BYTES SEED: bytes that do not compress and are the same for the same seed.  They begin
# as gzip does, so that no client thinks of compressing them.
random() {
	{
		printf '\037\213\010'
		head -c "$(($2 - 3))" /dev/zero |
			openssl enc -aes-128-ctr -K "$(printf '%032x' "$3")" -iv "$(printf '%032x' 0)"
	} >"$1"
}

# digest_at HOST/REPO WHAT: of the bytes that are given for it; fails if there are none.
digest_at() {
	curl -fsS -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.oci.image.index.v1+json' \
		"http://${1%%/*}/v2/${1#*/}/manifests/$2" -o "$BATS_TEST_TMPDIR/at" || return 1
	echo "sha256:$(sha256sum <"$BATS_TEST_TMPDIR/at" | cut -d' ' -f1)"
}

# whole HOST/REPO WHAT: everything that the name stands for can be pulled, and is what it says.
whole() {
	local m got d what
	digest_at "$1" "$2" >/dev/null || return 1
	m=$(<"$BATS_TEST_TMPDIR/at")
	for what in $(jq -r '.manifests // [] | .[].digest' <<<"$m"); do
		whole "$1" "$what" || return 1
	done
	for d in $(jq -r '(.config // empty), .layers[]? | .digest' <<<"$m"); do
		got=$(curl -fsS "http://${1%%/*}/v2/${1#*/}/blobs/$d" | sha256sum)
		[ "$d" = "sha256:${got%% *}" ] || return 1
	done
}

# tags_at HOST/REPO: sorted; none if there is no such repository.
tags_at() {
	curl -sS "http://${1%%/*}/v2/${1#*/}/tags/list" | jq -r '.tags // [] | .[]' | sort
}
