#!/usr/bin/env bats
# Images signed with certificates, logs and timestamps, in every form that cosign has for them:
# bundles as referrers, layers of .sig and .att; each good, and bad in one way.

setup_file() {
	load helpers/common
	load helpers/sigstore
	load helpers/faults
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	# the image is the artifact: a manifest of one empty object
	printf '{}' >empty
	_sha256 EMPTY empty
	jq -cnj --arg d "sha256:$EMPTY" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: 2},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $d, size: 2}]}' >artifact
	_sha256 D artifact
	D=sha256:$D
	start_faultreg
	export SIGSTORE NOW D EMPTY
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	load helpers/sigstore
	load helpers/faults
	cd "$SIGSTORE"
	modes referrers
	WHOM=(--certificate-identity "$IDENTITY" --certificate-oidc-issuer "$ISSUER")
	MANIFEST=application/vnd.oci.image.manifest.v1+json
	REPOS=0
	SIGN=https://sigstore.dev/cosign/sign/v1
	SLSA=https://slsa.dev/provenance/v1
	FALLBACK=
	_when AT "$NOW"
	unset VERIFY_KEY POLICY TRUSTED_ROOT
}

# An image in a repository of its own, $REPO:1, which nothing belongs to yet.
new_image() {
	local -
	set +T
	REPO=$FAULT/t$BATS_TEST_NUMBER-$((++REPOS))
	put_blob "$REPO" empty >/dev/null
	put_manifest "$REPO" 1 artifact "$MANIFEST" >/dev/null
	: >referrers.jsonl
}

# add_bundle FILE [JQ]: one more referrer, its manifest edited; with FALLBACK in the tag too.
add_bundle() {
	local - layer sum
	set +T
	layer=$(put_blob "$REPO" "$1")
	printf '{"schemaVersion":2,"mediaType":"%s","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json",
		"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:%s","size":2},
		"layers":[%s],"subject":{"mediaType":"%s","digest":"%s","size":%d}}' "$MANIFEST" "$EMPTY" \
		"${layer/octet-stream/vnd.dev.sigstore.bundle.v0.3+json}" "$MANIFEST" "$D" \
		"$(_len artifact)" >referrer.json
	edited "${2:-.}" referrer.json referrer
	_sha256 sum referrer
	put_manifest "$REPO" "sha256:$sum" referrer "$MANIFEST" >/dev/null
	[ -z "$FALLBACK" ] || {
		jq -cn --arg d "sha256:$sum" --argjson n "$(_len referrer)" '{digest: $d, size: $n,
			mediaType: "application/vnd.oci.image.manifest.v1+json",
			artifactType: "application/vnd.oci.empty.v1+json"}' >>referrers.jsonl
		jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' \
			referrers.jsonl >index.json
		put_manifest "$REPO" "sha256-${D#*:}" index.json >/dev/null
	}
}

# put_layers .sig|.att FILE...: what bundle wrote with form=, as layers of the tag.
put_layers() {
	local - suffix=$1 type=application/vnd.dsse.envelope.v1+json f
	set +T
	shift
	[ "$suffix" = .att ] || type=application/vnd.dev.cosign.simplesigning.v1+json
	for f in "$@"; do
		jq -j .payload "$f" >layer
		put_blob "$REPO" layer
	done >blobs
	jq -cn --arg d "sha256:$EMPTY" --arg type "$type" --slurpfile blobs blobs '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $d, size: 2},
		layers: ([$blobs, [inputs]] | transpose |
			map(.[0] + {mediaType: $type, annotations: .[1].annotations}))}' "$@" >layers
	put_manifest "$REPO" "sha256-${D#*:}$suffix" layers "$MANIFEST" >/dev/null
}

judge() {
	img-verify -c /dev/null --retry 0 --trusted-root trusted_root.json "${WHOM[@]}" "$@" "$REPO:1"
}

# attach KEY=VALUE...: a new image with what that makes, whatever form it has.
attach() {
	local -
	set +T
	new_image
	case " $* " in
	*' form=sig '*) bundle one.json "$@" && put_layers .sig one.json ;;
	*' form=att '*) bundle one.json "$@" && put_layers .att one.json ;;
	*' content='*) bundle one.json "$@" && add_bundle one.json ;;
	*) bundle one.json content=dsse predicate="$SIGN" "$@" && add_bundle one.json ;;
	esac
}

passes() {
	local -
	set +T
	run --separate-stderr judge
	[ "$status" = 0 ] && [ "$output" = "$REPO:1@$D" ] && [ -z "$stderr" ] || {
		echo "$status $stderr"
		return 1
	}
}

# fails WORDS: status 1, and these words (a star stands for any) after the image's names
fails() {
	local -
	set +T
	run --separate-stderr judge
	# shellcheck disable=SC2053 # it is a pattern
	[ "$status" = 1 ] && [ -z "$output" ] && [[ $stderr == "img-verify: $REPO:1: '$REPO@$D' "$1 ]] || {
		printf '%s\ngot  %s\nwant %s\n' "$status" "$stderr" "... '$REPO@$D' $1"
		return 1
	}
}

accept() {
	local -
	set +T
	attach "$@"
	passes || {
		echo "accept $*"
		return 1
	}
}

# refuse WORDS KEY=VALUE...
refuse() {
	local - words=$1 form=bundle what='signature that counts'
	set +T
	shift
	attach "$@"
	case " $* " in
	*' form=sig '*) form=signature ;;
	*' form=att '*) form=attestation ;;
	esac
	[[ " ${WHOM[*]} " != *' --type '* ]] || what="attestation of type '$SLSA' that counts"
	fails "has no $what: $form 1: $words" || {
		echo "refuse $*"
		return 1
	}
}

promise='.annotations["dev.sigstore.cosign/bundle"] |= (fromjson |'

@test "bundles among the referrers pass: each version, each log, with and without the API" {
	accept
	accept version=0.1
	accept version=0.2
	accept rekor=2 tokens=good
	modes ''
	FALLBACK=yes
	accept
	modes referrers-406
	accept
	# a signature of the manifest itself
	modes referrers
	accept content=message
}

@test "what a bundle is says its manifest or its layer, whatever a list calls it" {
	bundle b.json content=dsse predicate="$SIGN"
	for edit in 'del(.artifactType)' '.layers[0].mediaType = "application/octet-stream"' \
		'.artifactType = "application/vnd.oci.empty.v1+json"' \
		'.layers[0].mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3"'; do
		new_image
		add_bundle b.json "$edit"
		passes
	done
	new_image
	add_bundle b.json 'del(.artifactType) | .layers[0].mediaType = "text/plain"'
	fails 'is not signed: it has no .sig tag, and no bundle that is a signature'
	new_image
	add_bundle b.json '.layers += .layers'
	fails 'has no signature that counts: bundle 1: its manifest has 2 layers, not one'
	new_image
	add_bundle empty
	fails "has no signature that counts: bundle 1: not a Sigstore bundle of version 0.1 to 0.3, its media type is ''"
}

@test "bundles that are bad in one way" {
	local zero
	zero=$(printf '%064d' 0)
	refuse 'statement: the artifact is not a subject of the statement' subject="$zero"
	refuse "transparency log: it was logged at $AT, when the certificate was not valid" start=-600 end=-300
	refuse "identity: the identity of '$IDENTITY' was checked by 'https://evil', which is not wanted" \
		issuer=https://evil issuer1=
	refuse "identity: the certificate is of '${IDENTITY}x', which is not wanted" "san=URI:${IDENTITY}x"
	refuse 'certificate log: the certificate has no embedded timestamp (SCT)' sct=none
	refuse 'certificate log: 0 of 1 certificate timestamps (SCT) are of a trusted log, 1 needed' sct=unknown
	refuse 'transparency log: the trusted root does not know the log' log=rekor_unknown
	refuse 'transparency log: the log entry has another payload' body_payload=artifact
	refuse 'transparency log: the log entry has another artifact' rekor=2 tokens=good body_hash="$zero"
	refuse 'time: 0 signed times, 1 needed' rekor=2
	refuse "timestamp: no timestamp authority that was trusted at * made it" rekor=2 tokens=tsa_stranger
	refuse "certificate: at $AT: certificate signature failure" ca=evil
	refuse 'signature: the signature does not verify' signing_key=other
	refuse 'it is signed with a key, not with a certificate' signer=key
	refuse 'transparency log: entries in 0 logs, 1 needed' rekor=none tokens=good
	# a signature of another manifest
	_hex_b64 zero "$zero"
	refuse 'artifact: the bundle is of another artifact' content=message \
		edit=".messageSignature.messageDigest.digest = \"$zero\""
}

@test "an attestation is no signature, and none of the signatures an attestation" {
	attach content=dsse
	fails 'is not signed: it has no .sig tag, and no bundle that is a signature'
	WHOM+=(--type slsaprovenance1)
	passes
	attach
	fails "has no attestation of type '$SLSA'"
	attach form=sig
	fails "has no attestation of type '$SLSA'"
}

@test "cosign's classic form passes: a promise, a timestamp, both; the chain is not needed" {
	accept form=sig
	accept form=sig tokens=good
	accept form=sig edit='del(.annotations["dev.sigstore.cosign/chain"])'
	accept form=sig edit='.annotations["dev.sigstore.cosign/chain"] = "garbage"'
	WHOM+=(--insecure-ignore-tlog -q)
	accept form=sig rekor=none tokens=good
}

@test "classic signatures that are bad in one way" {
	local zero
	zero=$(printf '%064d' 0)
	refuse "made for 'sha256:$zero'" form=sig subject="$zero"
	refuse "payload: its type is 'atomic container signature', not 'cosign container image signature'" \
		form=sig simple_type='atomic container signature'
	refuse "transparency log: it was logged at $AT, when the certificate was not valid" form=sig \
		start=-600 end=-300
	refuse 'identity: the certificate is of '"'${IDENTITY}x', which is not wanted" form=sig \
		"san=URI:${IDENTITY}x"
	refuse 'certificate log: the certificate has no embedded timestamp (SCT)' form=sig sct=none
	refuse 'transparency log: the trusted root does not know the log' form=sig log=rekor_unknown
	refuse 'transparency log: the log entry has another artifact' form=sig body_hash="$zero"
	refuse 'transparency log: the log entry has another signature' form=sig body_sig=signature.second
	refuse 'transparency log: the log entry has another certificate' form=sig body_pem=inter.pem
	refuse "certificate: at $AT: certificate signature failure" form=sig ca=evil
	refuse 'signature: the signature does not verify' form=sig signing_key=other
	refuse 'timestamp: it is of other bytes than the signature' form=sig tokens=moved
	refuse "timestamp: no timestamp authority that was trusted at * made it" form=sig \
		tokens=tsa_stranger
	refuse 'transparency log: entries in 0 logs, 1 needed' form=sig rekor=none tokens=good
	# a promise over other words: the body is this one's, the time is not
	refuse "transparency log: the log's promise (SET): the signature does not verify" form=sig \
		edit="$promise .Payload.integratedTime += 1 | tojson)"
	refuse "transparency log: the log's promise (SET): the signature does not verify" form=sig \
		edit="$promise .Payload.logIndex += 1 | tojson)"
	refuse 'it is signed with a key, not with a certificate' form=sig \
		edit='del(.annotations["dev.sigstore.cosign/certificate"])'
}

@test "annotations that cannot be read are named" {
	local b="annotation 'dev.sigstore.cosign/bundle'"
	refuse "annotation 'dev.sigstore.cosign/certificate': no certificate in PEM" form=sig \
		edit='.annotations["dev.sigstore.cosign/certificate"] = "x"'
	refuse "$b: it: not JSON: line 1: invalid token near 'x'" form=sig \
		edit='.annotations["dev.sigstore.cosign/bundle"] = "x"'
	refuse "$b: 'body': not base64" form=sig edit="$promise .Payload.body += \"\\n\" | tojson)"
	refuse "$b: 'SignedEntryTimestamp': not base64" form=sig edit="$promise del(.SignedEntryTimestamp) | tojson)"
	refuse "$b: 'logID' is not a hash in hex" form=sig edit="$promise .Payload.logID |= ascii_upcase | tojson)"
	refuse "$b: log entry: 'integratedTime' is -1" form=sig \
		edit="$promise .Payload.integratedTime = -1 | tojson)"
	refuse "annotation 'dev.sigstore.cosign/rfc3161timestamp': 'SignedRFC3161Timestamp': not base64" form=sig \
		edit='.annotations["dev.sigstore.cosign/rfc3161timestamp"] = "{}"'
}

@test "one that counts is enough, in whatever form and place" {
	bundle bad.json content=dsse predicate="$SIGN" signing_key=other
	bundle good.json content=dsse predicate="$SIGN"
	bundle bad.sig form=sig signing_key=other
	bundle good.sig form=sig
	new_image
	add_bundle bad.json
	add_bundle good.json
	passes
	new_image
	put_layers .sig bad.sig good.sig
	passes
	new_image
	put_layers .sig bad.sig
	add_bundle good.json
	passes
	new_image
	put_layers .sig bad.sig bad.sig
	add_bundle bad.json
	local no='signature: the signature does not verify'
	fails "has no signature that counts: signature 1: $no; signature 2: $no; bundle 1: $no"
}

@test "classic attestations pass with each kind of log entry" {
	WHOM+=(--type slsaprovenance1)
	accept form=att
	accept form=att kind=intoto/0.0.1
	accept form=att kind=intoto/0.0.2
	accept form=att tokens=good
	accept content=dsse
	accept content=dsse rekor=2 tokens=good
}

@test "classic attestations that are bad in one way" {
	WHOM+=(--type "$SLSA")
	for kind in dsse/0.0.1 intoto/0.0.1 intoto/0.0.2; do
		refuse 'transparency log: the log entry has another envelope' form=att kind=$kind \
			body_envelope=artifact
		refuse 'transparency log: the log entry has another payload' form=att kind=$kind \
			body_payload=artifact
		refuse 'transparency log: the log entry has another certificate' form=att kind=$kind \
			body_pem=inter.pem
	done
	refuse 'statement: the artifact is not a subject of the statement' form=att \
		subject="$(printf '%064d' 0)"
	refuse 'timestamp: it is of other bytes than the signature' form=att tokens=signature
	refuse "identity: the certificate is of '${IDENTITY}x', which is not wanted" form=att \
		"san=URI:${IDENTITY}x"
	attach form=att predicate=https://slsa.dev/provenance/v0.2
	fails "has no attestation of type '$SLSA'"
	# the annotation of that name says nothing
	attach form=att predicate=https://slsa.dev/provenance/v0.2 edit=".annotations.predicateType = \"$SLSA\""
	fails "has no attestation of type '$SLSA'"
}

@test "--type takes cosign's names and URIs; --json prints every predicate" {
	new_image
	bundle one.json content=dsse
	bundle two.json form=att
	bundle three.json form=att predicate=https://spdx.dev/Document
	add_bundle one.json
	put_layers .att two.json three.json
	run -0 --separate-stderr judge --json --type slsaprovenance1
	jq -e --arg d "$D" '.digest == $d and .signatures == [] and
		[.attestations[] | [.type, .predicate.builder, .subject, .issuer, .log_index]] ==
		[range(2) | ["https://slsa.dev/provenance/v1", "us", env.IDENTITY, env.ISSUER, 1001]]' <<<"$output"
	for type in spdx spdxjson https://spdx.dev/Document; do
		run -0 --separate-stderr judge --json --type $type
		[ "$(jq -c '[.attestations[].type]' <<<"$output")" = '["https://spdx.dev/Document"]' ]
	done
	run -0 judge --type spdx --type slsaprovenance1
	run -1 --separate-stderr judge --type spdx --type cyclonedx
	[ "$stderr" = "img-verify: $REPO:1: '$REPO@$D' has no attestation of type 'https://cyclonedx.org/bom'" ]
	for type in slsaprovenance=https://slsa.dev/provenance/v0.2 \
		slsaprovenance02=https://slsa.dev/provenance/v0.2 link=https://in-toto.io/Link/v1 \
		vuln=https://cosign.sigstore.dev/attestation/vuln/v1 openvex=https://openvex.dev/ns \
		custom=https://cosign.sigstore.dev/attestation/v1 urn:plant:test=urn:plant:test; do
		run -1 --separate-stderr judge --type "${type%%=*}"
		[[ $stderr == *" has no attestation of type '${type#*=}'" ]]
	done
	run -64 --separate-stderr judge --type nonsense
	[ "${stderr_lines[0]}" = "img-verify: --type: 'nonsense' is neither a known predicate type nor a URI" ]
}

@test "a key with a trusted root needs the log; without, the key is all" {
	WHOM=(--key plain.pub)
	accept signer=key
	accept signer=key form=sig
	accept signer=key rekor=2
	refuse 'transparency log: entries in 0 logs, 1 needed' signer=key rekor=none
	refuse 'transparency log: entries in 0 logs, 1 needed' signer=key rekor=none form=sig
	run -0 img-verify -c /dev/null --key plain.pub "$REPO:1"
	TRUSTED_ROOT=$PWD/trusted_root.json run -1 --separate-stderr img-verify -c /dev/null --key plain.pub "$REPO:1"
	[[ $stderr == *'transparency log: entries in 0 logs, 1 needed' ]]
	run -0 --separate-stderr judge --insecure-ignore-tlog
	[ "$stderr" = 'img-verify: warning: the transparency log is ignored' ]
	refuse 'transparency log: the log entry has another public key' signer=key body_pem=other.pub form=sig
	refuse 'it is signed with a certificate, not with a key' rekor=2 tokens=good
	# in the classic form a key decides, whatever certificate is beside it
	attach form=sig rekor=none
	openssl pkey -in leaf.key -pubout -out leaf.pub
	run -0 img-verify -c /dev/null --key leaf.pub "$REPO:1"
}

@test "GitHub workflows, patterns, and the settings" {
	attach
	WHOM+=(--certificate-github-workflow-repository plant/robot)
	passes
	WHOM[5]=plant/other
	fails "has no signature that counts: bundle 1: identity: the certificate says 'plant/robot' where 'plant/other' is wanted"
	WHOM=(--certificate-oidc-issuer-regexp 'https://.*' --certificate-identity-regexp 'https://github\.com/plant/.*')
	passes
	WHOM[3]=plant
	fails "has no signature that counts: bundle 1: identity: the certificate is of '$IDENTITY', which is not wanted"
	cat >g.conf <<-CONF
		CERTIFICATE_IDENTITY=$IDENTITY
		CERTIFICATE_OIDC_ISSUER=$ISSUER
		TRUSTED_ROOT=$PWD/trusted_root.json
	CONF
	run -0 img-verify -c g.conf "$REPO:1"
	echo VERIFY_KEY=plain.pub >>g.conf
	run -78 --separate-stderr img-verify -c g.conf "$REPO:1"
	[ "$stderr" = "img-verify: g.conf:4: VERIFY_KEY: excludes CERTIFICATE_IDENTITY" ]
	echo CERTIFICATE_IDENTITY=x >g.conf
	run -78 --separate-stderr img-verify -c g.conf "$REPO:1"
	[ "$stderr" = "img-verify: g.conf:1: CERTIFICATE_IDENTITY: needs CERTIFICATE_OIDC_ISSUER too" ]
	run -78 --separate-stderr img-verify -c /dev/null "${WHOM[@]}" "$REPO:1"
	[ "$stderr" = "img-verify: identities need a trusted root" ]
	run -64 --separate-stderr img-verify --policy p "${WHOM[@]}" "$REPO:1"
	[ "${stderr_lines[0]}" = "img-verify: a policy says all: no --certificate-*, --trusted-root, --type or --insecure-ignore-* goes with it" ]
}

@test "checks that are left out are said aloud" {
	attach sct=none rekor=none tokens=good
	run -0 --separate-stderr judge --insecure-ignore-tlog --insecure-ignore-sct
	[ "${stderr_lines[0]}" = 'img-verify: warning: the transparency log is ignored' ]
	[ "${stderr_lines[1]}" = 'img-verify: warning: the certificate log is ignored' ]
	[ "${#stderr_lines[@]}" = 2 ]
}

@test "what cannot be listed or read is 75, never none and never 1" {
	local port dir=$BATS_TEST_TMPDIR/canned sig host none
	port=$(free_port)
	mkdir "$dir"
	answer() { # FILE STATUS CONTENT-TYPE BODY-FILE
		{
			printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' \
				"$2" "$3" "$(_len "$4")"
			cat "$4"
		} >"$dir/$1"
	}
	local oci=application/vnd.oci.image
	answer GET_v2_ '200 OK' application/json empty
	answer GET_v2_r_manifests_1 '200 OK' $oci.manifest.v1+json artifact
	answer HEAD_v2_r_manifests_1 '200 OK' $oci.manifest.v1+json artifact
	echo '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}' >unknown
	echo '{"schemaVersion":2,"manifests":[]}' >none
	echo '<html>please log in</html>' >html
	answer default '404 Not Found' application/json unknown
	"$B/helpers/canned" "$port" "$dir" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fsS "http://127.0.0.1:$port/v2/"
	REPO=127.0.0.1:$port/r
	sig=GET_v2_r_manifests_sha256-${D#*:}.sig
	host=GET_v2_r_referrers_$D
	answer "$host" '200 OK' $oci.index.v1+json none
	fails 'is not signed: it has no .sig tag, and no bundle that is a signature'
	unknown() { # WORDS
		run -75 --separate-stderr judge
		[ -z "$output" ]
		[[ $stderr == "img-verify: $REPO:1: signatures of '$REPO@$D': "*"$1"* ]] || {
			echo "$stderr"
			return 1
		}
	}
	for status in '429 Too Many Requests' '503 Busy' '403 Forbidden' '401 Unauthorized'; do
		answer "$host" "$status" application/json unknown
		unknown "${status%% *}"
	done
	answer "$host" '200 OK' text/html html
	unknown referrers
	answer "$host" '200 OK' $oci.index.v1+json html
	unknown referrers
	# nor is a signature that is in one form lost with the list of another
	answer "$host" '200 OK' $oci.index.v1+json none
	answer "$sig" '503 Busy' application/json unknown
	unknown 503
	# a list with a bundle in it that nobody gives
	rm "$dir/$sig"
	_sha256 none none
	jq -cn --arg d "sha256:$none" '{schemaVersion: 2, manifests: [{digest: $d, size: 9,
		mediaType: "application/vnd.oci.image.manifest.v1+json"}]}' >one
	answer "$host" '200 OK' $oci.index.v1+json one
	answer "GET_v2_r_manifests_sha256:$none" '503 Busy' application/json unknown
	unknown 503
	rm "$dir/GET_v2_r_manifests_sha256:$none"
	fails 'has no signature that counts: referrer: *404*'
}

@test "many at once share the root" {
	local list
	attach
	list=$REPO:1
	attach form=sig
	for _ in $(seq 8); do printf '%s\n' "$list" "$REPO:1"; done >list
	run -0 --separate-stderr img-verify -c /dev/null "${WHOM[@]}" --trusted-root trusted_root.json - <list
	[ "${#lines[@]}" = 16 ]
	[ -z "$stderr" ]
}

@test "no byte of what is signed can be changed" {
	for form in 'form=sig tokens=good' form=sig form=att 'form=att kind=intoto/0.0.1' \
		'form=att kind=intoto/0.0.2 tokens=good' "content=dsse predicate=$SIGN"; do
		# shellcheck disable=SC2086
		bundle b.json $form
		run -0 --separate-stderr "$B/helpers/mutate" b.json trusted_root.json artifact "$IDENTITY" "$ISSUER"
		echo "$form: $output"
		[ "${output%% *}" -gt 3000 ]
	done
	# it is seen where a part is not signed: without the promise nothing says the time
	bundle b.json form=sig tokens=good edit='del(.annotations["dev.sigstore.cosign/bundle"])'
	run -1 --separate-stderr "$B/helpers/mutate" b.json trusted_root.json artifact "$IDENTITY" "$ISSUER"
	[ "$stderr" = 'mutate: transparency log: entries in 0 logs, 1 needed' ]
}
