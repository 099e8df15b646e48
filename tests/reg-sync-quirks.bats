#!/usr/bin/env bats
# reg-sync and what real registries do: each habit at the source and at the destination.

setup_file() {
	load helpers/common
	export STATE_DIR=$BATS_FILE_TMPDIR/state
	load helpers/image
	load helpers/faults
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	start_registry real
	start_faultreg
	cd "$BATS_FILE_TMPDIR" || return 1
	random big 6000000 1
	random small 20000 2
	image_key good P-256
	fill "$REGISTRY_REAL/app"
	reg-sync --insecure-skip-verify "$REGISTRY_REAL/app" "$FAULT/app"
	digests "$REGISTRY_REAL/app" >there
	digests "$FAULT/app" | diff there -
	printf '{"auths":{"%s":{"auth":"cm9ib3Q6c2VjcmV0"}}}' "$FAULT" >auth.json
	export REGISTRY_AUTH_FILE=$PWD/auth.json
}

# fill HOST/REPO: an image with a layer larger than any chunk, signed; an index of two images; a
# referrer whose entry in the fallback list has the artifact type that some clients write.
fill() {
	local one two d n
	d=$(put_image "$1" one big small)
	two=$(put_image "$1" two small)
	"$ROOT/scripts/sign-image.sh" --key good.pem "$1:one@$d" >/dev/null
	for n in "$d" "$two"; do
		digest_at "$1" "$n" >/dev/null
		jq -cn --arg d "$n" --argjson n "$(stat -c %s at)" --arg a "$n" '{digest: $d, size: $n,
			mediaType: "application/vnd.oci.image.manifest.v1+json",
			platform: {os: "linux", architecture: (if $a == $d then "amd64" else "arm64" end)}}'
	done | jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' >index
	put_manifest "$1" both index >/dev/null
	printf '{}' >empty
	put_blob "$1" empty >/dev/null
	one=$(put_blob "$1" small)
	digest_at "$1" two >/dev/null
	jq -cn --arg s "$two" --argjson n "$(stat -c %s at)" --argjson l "$one" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "application/x-bundle",
		config: {mediaType: "application/vnd.oci.empty.v1+json", size: 2,
		digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}, layers: [$l],
		subject: {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $s, size: $n}}' >referrer
	d=$(put_manifest "$1" "sha256:$(sha256sum <referrer | cut -d' ' -f1)" referrer)
	jq -cn --arg d "$d" --argjson n "$(stat -c %s referrer)" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{digest: $d, size: $n,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		artifactType: "application/vnd.oci.empty.v1+json"}]}' >list
	put_manifest "$1" "${two/:/-}" list >/dev/null
}

# digests HOST/REPO: of the tags, the signature and the referrer.
digests() {
	local d=$BATS_FILE_TMPDIR/names
	[ -f "$d" ] || {
		printf '%s\n' one two both
		printf '%s.sig\n' "$(digest_at "$1" one | tr : -)"
		printf 'sha256:%s\n' "$(sha256sum <"$BATS_FILE_TMPDIR/referrer" | cut -d' ' -f1)"
	} >"$d"
	sed "s#.*#url = http://${1%%/*}/v2/${1#*/}/manifests/&#" "$d" |
		curl -fsSI -K - -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
			-H 'Accept: application/vnd.oci.image.index.v1+json' |
		tr -d '\r' | grep -i '^docker-content-digest:'
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/faults
	cd "$BATS_TEST_TMPDIR" || return 1
	export STATE_DIR=$PWD/state
	modes ''
	REAL=$REGISTRY_REAL
}

teardown() {
	stop_proxies
}

# sync SOURCE DEST [OPTION...]: without a look at signatures, and without the words about that.
sync() {
	local src=$1 dst=$2 status=0
	shift 2
	reg-sync --insecure-skip-verify "$@" "$src" "$dst" 2>err || status=$?
	grep -v 'signatures are not checked' err >&2 || true
	return "$status"
}

# same HOST/REPO: it is what fill makes.  Both kinds of registries refuse manifests whose parts they
# do not have and blobs that are not what they say.
same() {
	digests "$1" | diff "$BATS_FILE_TMPDIR/there" -
}

# all_three WORD: that happened to each of them.
all_three() {
	[ "$status" = 0 ] && [ "$(grep -c "^$1" <<<"$output")" = 3 ] && return
	echo "exit $status"
	echo "$output"
	echo "$stderr"
	return 1
}

from() { # MODES: reg-sync from a registry like that gets it all
	modes "$1"
	echo "# from: $1"
	run --separate-stderr sync "$FAULT/app" "$REAL/from-${1//[,=]/-}" --tags one --tags two --tags both
	all_three copied
	modes ''
	same "$REAL/from-${1//[,=]/-}"
}

into() { # MODES [OPTION...]: a registry like that gets it all, and a second run has nothing to do
	local to=$FAULT/into-${1//[,=]/-}
	modes "$1"
	echo "# into: $1"
	run --separate-stderr sync "$REAL/app" "$to" --tags one --tags two --tags both "${@:2}"
	all_three copied
	modes "$1"
	run --separate-stderr sync "$REAL/app" "$to" --tags one --tags two --tags both
	all_three current
	[ "$(asked PUT-manifest)" = 0 ] && [ "$(asked POST-upload)" = 0 ]
	modes ''
	same "$to"
}

@test "from every known registry" {
	for m in ghcr hub ecr gar quay harbor acr jfrog gitlab zot ghes; do
		from "$m"
	done
}

@test "into every known registry" {
	for m in ghcr hub ecr gar quay harbor acr jfrog gitlab zot ghes; do
		into "$m"
	done
}

@test "from registries with one strange habit" {
	for m in no-digest type-params head-405 throttle=3 no-length no-range redirect,basic \
		token,tired-token token,one-scope referrers referrers-406 pages=1 pages=1,link-only; do
		from "$m"
	done
}

@test "into registries with one strange habit" {
	for m in no-digest head-405 throttle=3 relative state,relative state no-patch patch-max=1000000 \
		patch-201 patch-first stale-range min-length=5000000 no-status no-resume put-500 \
		put-blob-500 post-500 mount-401 mount-none mount-from immutable token,tired-token \
		token,one-scope referrers referrers,no-subject referrers-406; do
		into "$m"
	done
}

@test "a digest that is announced and has no manifest is an error" {
	modes wrong-digest
	run --separate-stderr -1 sync "$FAULT/app" "$REAL/announced" --tags one
	[[ $output == "failed $REAL/announced:one@sha256:0000"*"404 MANIFEST_UNKNOWN: manifest unknown" ]]
	[ -z "$(tags_at "$REAL/announced")" ]
}

@test "a blob with other bytes is named, and its tag is not made" {
	modes bad-blob
	run --separate-stderr -1 sync "$FAULT/app" "$REAL/spoiled" --tags two
	[[ $output == "failed $REAL/spoiled:two@sha256:"*"blob 'sha256:"*"' has digest sha256:"* ]]
	[ -z "$(tags_at "$REAL/spoiled")" ]
}

@test "a tag that the registry does not let be changed stays, and is an error" {
	local d
	modes immutable
	sync "$REAL/app" "$FAULT/fixed" --tags one >/dev/null
	d=$(digest_at "$FAULT/fixed" one)
	put_image "$REAL/fixed" one "$BATS_FILE_TMPDIR/small" >/dev/null
	run --separate-stderr -1 sync "$REAL/fixed" "$FAULT/fixed"
	[[ $output == "failed $FAULT/fixed:one@sha256:"*"400 TAG_INVALID: the tag exists and cannot be overwritten" ]]
	[ "$(digest_at "$FAULT/fixed" one)" = "$d" ]
}

@test "where nothing is new no manifest is taken, so that no quota is used up" {
	sync "$FAULT/app" "$REAL/quota" --tags one >/dev/null
	modes quota=0
	run --separate-stderr -0 sync "$FAULT/app" "$REAL/quota" --tags one
	[ "$(asked GET-blob)" = 0 ]
}

@test "a link that takes its time and loses bytes: the next run has what is missing" {
	start_proxy far "$REAL" delay=10 cut-at=3000000
	run --separate-stderr sync "$PROXY_FAR/app" "$FAULT/far" --tags one --retry 0
	[ "$(crossed far cuts)" = 1 ]
	run --separate-stderr -0 sync "$PROXY_FAR/app" "$FAULT/far" --tags one --tags two --tags both
	same "$FAULT/far"
}

@test "a registry that takes one upload at a time" {
	into fragile --jobs 1
}

@test "a run that ended when all bytes were there is gone on with" {
	modes finish-500
	run --separate-stderr -75 sync "$REAL/app" "$FAULT/late" --tags one --retry 0
	[[ $output == "failed $FAULT/late:one@"*" 500 UNKNOWN: try again" ]]
	run --separate-stderr -0 sync "$REAL/app" "$FAULT/late" --tags one --retry 0
	[ "${output%@*}" = "copied $FAULT/late:one" ]
	# the large layer came once, and no more than the others came again
	[ "$(asked bytes-in)" -lt 6500000 ]
}

@test "what a registry wants people to know is said once" {
	modes warning
	run --separate-stderr -0 sync "$FAULT/app" "$REAL/warned"
	[ "$stderr" = "reg-sync: warning: registry '$FAULT' says: this registry goes away in spring" ]
}

@test "chunks are not smaller than the registry wants them" {
	modes min-length=500000
	sync "$REAL/app" "$FAULT/chunks" --tags one >/dev/null
	[ "$(asked PATCH-upload)" -gt 1 ]
	modes min-length=5000000
	sync "$REAL/app" "$FAULT/whole" --tags one >/dev/null
	[ "$(asked PATCH-upload)" = 0 ]
}

@test "a quota that is used up for hours is not waited for, and is told in the registry's words" {
	modes quota=0
	run --separate-stderr -75 sync "$FAULT/app" "$REAL/later" --tags two
	[[ $output == "failed $REAL/later:two@sha256:"*": 429: You have reached your pull rate limit." ]]
	[ -z "$(tags_at "$REAL/later")" ]
}

@test "nothing is asked twice" {
	sync "$REAL/app" "$FAULT/twice" --tags one --tags two >/dev/null
	for _ in copied current; do
		modes ''
		sync "$FAULT/twice" "$REAL/once" >/dev/null
		[ -z "$(asked_twice)" ] || { asked_twice && return 1; }
	done
	modes ''
	sync "$REAL/app" "$FAULT/other" --tags one >/dev/null
	[ -z "$(asked_twice)" ] || { asked_twice && return 1; }
}
