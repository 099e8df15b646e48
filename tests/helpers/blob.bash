# One file and its bundle, judged by img-verify: what the sigstore files share, after helpers/sigstore.
# shellcheck disable=SC2034,SC2154 # the tests read what is set here, and bats sets status and stderr

setup_file() {
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	export SIGSTORE NOW
}

setup() {
	cd "$SIGSTORE" || return 1
	WHOM=(--certificate-identity "$IDENTITY" --certificate-oidc-issuer "$ISSUER")
	ROOT_EDIT=.
	WHAT=artifact
	_sha256 DIGEST artifact
	_when AT "$NOW"
}

judge() {
	edited "$ROOT_EDIT" trusted_root.json root.json
	img-verify -q -c /dev/null --blob "$WHAT" --bundle b.json "${WHOM[@]}" --trusted-root root.json
}

# accept KEY=VALUE...: the bundle passes
accept() {
	local -
	set +T
	bundle b.json "$@"
	run --separate-stderr judge
	[ "$status" = 0 ] || {
		echo "refused $*: $stderr"
		return 1
	}
	[ "$output" = "sha256:$DIGEST" ]
	[ -z "$stderr" ]
}

# refuse WORDS KEY=VALUE...: it does not, and the error is these words
refuse() {
	local - words="img-verify: '$WHAT': bundle: $1"
	set +T
	shift
	bundle b.json "$@"
	run --separate-stderr judge
	if [ "$status" != 1 ] || [ "$stderr" != "$words" ]; then
		printf '%s: status %s\ngot  %s\nwant %s\n' "$*" "$status" "$stderr" "$words"
		return 1
	fi
	[ -z "$output" ]
}

entry='.verificationMaterial.tlogEntries[0]'
token=.verificationMaterial.timestampVerificationData.rfc3161Timestamps
