# Whom a bundle is believed: certificates, identities and keys, timestamps, and the root and flags that say so.
load helpers/common
load helpers/sigstore
load helpers/blob

@test "a certificate must come from a CA of the root, at the time of signing" {
	refuse "transparency log: it was logged at $AT, when the certificate was not valid" start=-600 end=-300
	refuse "certificate: at $AT: certificate signature failure" ca=evil
	ROOT_EDIT='.certificateAuthorities[0].validFor.end = "2021-01-01T00:00:00Z"'
	refuse "certificate: at $AT: the CA was not in use then"
	ROOT_EDIT='.certificateAuthorities = []'
	refuse "certificate: at $AT: the trusted root has no CA"
	# the last certificate of a chain is where trust ends, whatever it is
	ROOT_EDIT='.certificateAuthorities[0].certChain.certificates |= .[:1]'
	accept
	ROOT_EDIT='.certificateAuthorities[0].certChain.certificates |= .[1:]'
	refuse "certificate: at $AT: unable to get local issuer certificate"
}

@test "both ends of a certificate's validity belong to it" {
	accept start=0 end=300
	accept start=-300 end=0
	refuse "transparency log: it was logged at $AT, when the certificate was not valid" start=1 end=300
	refuse "transparency log: it was logged at $AT, when the certificate was not valid" start=-300 end=-1
}

@test "both ends of what the root says belong to it" {
	local before after part words
	_when before $((NOW - 1))
	_when after $((NOW + 1))
	for part in ".certificateAuthorities[0]=certificate: at $AT: the CA" \
		'.tlogs[0].publicKey=transparency log: the log'; do
		words="${part#*=} was not in use then"
		part=${part%%=*}
		ROOT_EDIT="$part.validFor = {start: \"$AT\", end: \"$AT\"}"
		accept
		ROOT_EDIT="$part.validFor.end = \"$before\""
		refuse "$words"
		ROOT_EDIT="$part.validFor.start = \"$after\""
		refuse "$words"
	done
}

@test "a certificate must be for code signing, and nothing unknown in it critical" {
	refuse 'certificate: its extended key usage is not for code signing' eku=timeStamping
	refuse 'certificate: its extended key usage is not for code signing' eku=
	refuse 'certificate: its key usage is not for signatures' ku=keyAgreement
	refuse 'certificate: it belongs to a CA' bc=basicConstraints=critical,CA:TRUE ku=digitalSignature,keyCertSign
	refuse "certificate: at $AT: unhandled critical extension" \
		extension=1.2.3.4=critical,DER:0500
	# extension .1.9 becomes a second .1.5
	bundle b.json extension=1.3.6.1.4.1.57264.1.9=DER:0c0161
	local der
	jq -r .verificationMaterial.certificate.rawBytes b.json | base64 -d >der
	_hex der der
	_hex_b64 der "${der/2b0601040183bf300109/2b0601040183bf300105}"
	refuse 'certificate: an extension is there twice' extension=1.3.6.1.4.1.57264.1.9=DER:0c0161 \
		edit=".verificationMaterial.certificate.rawBytes = \"$der\""
	# nor may a CA above it be for something else only
	_der_b64 der inter_tsa.pem
	ROOT_EDIT=".certificateAuthorities[0].certChain.certificates[0].rawBytes = \"$der\""
	refuse "certificate: at $AT: a CA above it is not for code signing" \
		ca=inter_tsa
}

@test "identities are compared whole" {
	accept issuer1=
	accept issuer=
	refuse 'certificate: two issuers that differ, '"'https://a' and '$ISSUER'" issuer1=https://a
	refuse "identity: the certificate of '$IDENTITY' names no issuer" issuer= issuer1=
	refuse "certificate: at $AT: Subject name empty" san=
	refuse 'identity: the certificate names nobody' san=DNS:plant
	refuse 'certificate: more than one subject alternative name' san="URI:$IDENTITY,URI:https://x"
	refuse "identity: the certificate is of '${IDENTITY}x', which is not wanted" "san=URI:${IDENTITY}x"
	refuse "identity: the identity of '$IDENTITY' was checked by 'https://evil', which is not wanted" \
		issuer=https://evil issuer1=
	# a NUL in the name, behind which comes something else
	refuse 'certificate: the subject alternative name has a control byte' san= \
		extension="subjectAltName=critical,DER:3006810461006263"
	refuse 'certificate: the subject alternative name has a control byte' san= \
		extension="subjectAltName=critical,DER:3006860461006263"
}

@test "identities of people and of other kinds pass" {
	WHOM=(--certificate-identity me@plant.example --certificate-oidc-issuer "$ISSUER")
	accept san=email:me@plant.example
	WHOM=(--certificate-identity robot!plant --certificate-oidc-issuer "$ISSUER")
	accept 'san=otherName:1.3.6.1.4.1.57264.1.7;UTF8:robot!plant'
	refuse 'certificate: an other name of a kind that is not known' \
		'san=otherName:1.2.3.4;UTF8:robot!plant'
}

@test "patterns must match the whole name" {
	bundle b.json
	WHOM=(--certificate-oidc-issuer "$ISSUER" --certificate-identity-regexp
		'https://github\.com/plant/.*')
	run -0 judge
	for re in 'plant/robot' 'https://github.com/plant' '/.*' 'x|plant' 'https)|v1' 'x|v1'; do
		WHOM[3]=$re
		run -1 judge
		[ "$output" = "img-verify: 'artifact': bundle: identity: the certificate is of '$IDENTITY', which is not wanted" ]
	done
	WHOM[3]='(x|https://github.com/plant/robot/.*)'
	run -0 judge
	WHOM[3]='('
	run -78 judge
	[[ $output == "img-verify: the certificate identity: '(' is not a regular expression: "* ]]
	WHOM=(--certificate-identity "$IDENTITY" --certificate-oidc-issuer-regexp 'https://token.*')
	run -0 judge
	WHOM=(--certificate-identity "$IDENTITY" --certificate-oidc-issuer-regexp 'token.*')
	run -1 judge
}

@test "a certificate log of the root must have seen the certificate" {
	accept sct_ext=0000050000000003
	accept sct='unknown good'
	accept sct='good good'
	refuse 'certificate log: the certificate has no embedded timestamp (SCT)' sct=none
	refuse 'certificate log: 0 of 1 certificate timestamps (SCT) are of a trusted log, 1 needed' \
		sct=unknown
	refuse 'certificate log: 0 of 1 certificate timestamps (SCT) are of a trusted log, 1 needed' \
		sct=early
	refuse 'certificate log: a certificate timestamp (SCT) does not verify' sct=forged
	refuse 'certificate log: a certificate timestamp (SCT) does not verify' sct=moved
	refuse 'certificate log: a certificate timestamp (SCT) does not verify' sct='good forged'
	refuse 'certificate log: certificate timestamp 1 cannot be read' sct=garbage
	ROOT_EDIT='.ctlogs = []'
	refuse 'certificate log: 0 of 1 certificate timestamps (SCT) are of a trusted log, 1 needed'
	WHOM+=(--insecure-ignore-sct)
	accept
}

@test "the signature must be the certificate's" {
	refuse 'signature: the signature does not verify' signing_key=other
	refuse 'signature: the signature does not verify' signing_key=other content=dsse
	refuse 'signature: the signature does not verify' signing_key=other rekor=2 tokens=good
}

@test "keys of every kind sign" {
	for pair in 384:sha384 521:sha512; do
		local curve=${pair%:*}
		_ec "p$curve.key" "P-$curve"
		accept leaf="p$curve"
		accept leaf="p$curve" content=dsse hash="${pair#*:}"
	done
	openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
	accept leaf=rsa
	accept leaf=ed25519 content=dsse
	refuse 'transparency log: the log entry is of an Ed25519ph signature, which is not supported' \
		leaf=ed25519
	openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key
	refuse 'certificate: a public key of a kind that is not taken (ECDSA P-256, P-384, P-521, Ed25519, RSA from 2048 bits are)' leaf=weak
}

@test "a plain key needs no time, but its own bundle, log entry and signature" {
	refuse 'it is signed with a key, not with a certificate' signer=key
	WHOM=(--key plain.pub)
	accept signer=key
	accept signer=key content=dsse
	accept signer=key rekor=2
	accept signer=key tokens=good
	refuse 'it is signed with a certificate, not with a key'
	refuse "not made by 'plain.pub': the signature does not verify" signer=key signing_key=other
	refuse 'transparency log: the log entry has another public key' signer=key body_pem=other.pub
	refuse 'transparency log: the log entry has another public key' signer=key body_pem=other.pub rekor=2
	refuse 'transparency log: entries in 0 logs, 1 needed' signer=key rekor=none
	refuse 'timestamp: it is of other bytes than the signature' signer=key tokens=moved
	WHOM=(--key plain.pub --insecure-ignore-tlog)
	accept signer=key rekor=none
	WHOM=(--key other.pub)
	refuse "not made by 'other.pub': the signature does not verify" signer=key
}

@test "Rekor v2 passes with a timestamp of each kind" {
	accept rekor=2 tokens=good
	accept rekor=2 tokens=embedded
	accept rekor=2 tokens='good sha384 sha512'
}

@test "a log's promise is not needed where a timestamp gives the time" {
	accept tokens=good edit="del($entry.inclusionPromise)"
	refuse 'time: 0 signed times, 1 needed' edit="del($entry.inclusionPromise)"
	refuse 'time: 0 signed times, 1 needed' rekor=2
}

@test "a timestamp must be of this signature, by a trusted authority, and every one must be" {
	local no="timestamp: no timestamp authority that was trusted at "
	refuse 'timestamp: it is of other bytes than the signature' tokens=moved
	refuse 'timestamp: it is of other bytes than the signature' tokens='good moved'
	refuse 'timestamp: its hash is not SHA-256, SHA-384 or SHA-512' tokens=sha1
	refuse 'timestamp: cannot be read' tokens=good edit="$token[0].signedTimestamp = \"AAAA\""
	for tsa in tsa_stranger tsa_wide tsa_soft; do
		# with the authority's own certificate in the root nothing else may sign,
		# and without it the extended key usage still counts
		for ROOT_EDIT in . '.timestampAuthorities[0].certChain.certificates |= .[1:]'; do
			bundle b.json rekor=2 tokens=$tsa
			run -1 judge
			[[ $output == "img-verify: 'artifact': bundle: $no"*" made it" ]] || { echo "$tsa $output"; false; }
		done
	done
	ROOT_EDIT='.timestampAuthorities[0].certChain.certificates |= .[1:]'
	accept rekor=2 tokens=embedded
	accept rekor=2 tokens=tsa_fine
	ROOT_EDIT=.
	bundle b.json rekor=2 tokens=tsa_fine
	run -1 judge
	[[ $output == "img-verify: 'artifact': bundle: $no"*" made it" ]]
	ROOT_EDIT='.timestampAuthorities[0].validFor.end = "2021-01-01T00:00:00Z"'
	bundle b.json rekor=2 tokens=good
	run -1 judge
	[[ $output == "img-verify: 'artifact': bundle: $no"*" made it" ]]
}

@test "a timestamp outside the certificate's validity is refused, even beside a good time" {
	bundle b.json start=-600 end=-300 integrated=-400 tokens=good
	run -1 judge
	[[ $output == "img-verify: 'artifact': bundle: certificate: at "*': certificate has expired' ]]
}

@test "a root that is wrong is a wrong configuration" {
	bundle b.json
	for edit in 'del(.tlogs[0].publicKey.validFor.start)=tlogs 1: validFor has no start' \
		'del(.ctlogs[0].publicKey.validFor)=ctlogs 1: validFor has no start' \
		'.tlogs[0].publicKey.validFor.start |= "soon"=tlogs 1: validFor.start is not a time' \
		'.certificateAuthorities[0].certChain.certificates |= []=certificateAuthorities 1: no certificates' \
		'.certificateAuthorities[0].certChain.certificates[0].rawBytes |= "AAAA"=certificateAuthorities 1: certificate 1: not a certificate' \
		".mediaType |= \"x\"=not a trusted root, its media type is 'x'"; do
		ROOT_EDIT=${edit%=*}
		run -78 judge
		[ "$output" = "img-verify: 'root.json': ${edit##*=}" ]
	done
	# what cannot be used matters only where it is needed
	ROOT_EDIT='.tlogs[1].publicKey.rawBytes = "AAAA" | .timestampAuthorities[0].certChain.certificates[0].rawBytes = "MAA="'
	run -0 judge
	ROOT_EDIT='.tlogs[0].publicKey.rawBytes = "AAAA"'
	run -78 judge
	[ "$output" = "img-verify: 'artifact': bundle: transparency log: the key of the log 'rekor.plant': not a public key" ]
	ROOT_EDIT='.ctlogs[0].publicKey.keyDetails = "PKIX_ED25519_PH"'
	run -78 judge
	[ "$output" = "img-verify: 'artifact': bundle: certificate log: the key of the log 'ct.plant': Ed25519ph is not supported" ]
	ROOT_EDIT='.certificateAuthorities[0].certChain.certificates[1].rawBytes = "MAA="'
	run -78 judge
	[ "$output" = "img-verify: 'artifact': bundle: a certificate of the trusted root: not a certificate" ]
}

@test "what goes together must be given together" {
	bundle b.json
	usage() { # WORDS ARG...
		local words=$1
		shift
		run -64 --separate-stderr img-verify -c /dev/null "$@"
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = "img-verify: $words" ] || { echo "$stderr"; false; }
	}
	usage '--bundle goes with --blob' --bundle b.json
	usage '--certificate-identity and --certificate-oidc-issuer (or their -regexp) go together' \
		--certificate-identity x host/repo
	usage '--blob needs --bundle' --blob artifact
	usage 'references and --blob exclude each other' --blob artifact --bundle b.json "${WHOM[@]}" --trusted-root trusted_root.json host/repo
	usage '--certificate-identity and --certificate-oidc-issuer (or their -regexp) go together' \
		--blob artifact --bundle b.json --certificate-identity x
	usage 'an identity is exact or a pattern, not both' --blob artifact --bundle b.json \
		"${WHOM[@]}" --certificate-identity-regexp x
	usage '--key and --certificate-identity exclude each other' --blob artifact --bundle b.json \
		"${WHOM[@]}" --key plain.pub
	usage '--trusted-root is needed (a key alone does with --insecure-ignore-tlog)' --blob artifact \
		--bundle b.json "${WHOM[@]}"
	run -78 --separate-stderr img-verify -c /dev/null --blob artifact --bundle b.json \
		--trusted-root trusted_root.json
	[ "$stderr" = 'img-verify: nobody to trust: give --key or --certificate-identity, or set VERIFY_KEY' ]
	bundle b.json signer=key
	VERIFY_KEY=plain.pub run -0 img-verify -c /dev/null --blob artifact --bundle b.json \
		--trusted-root trusted_root.json
}

@test "files that are not there are named" {
	bundle b.json
	run -1 --separate-stderr img-verify -c /dev/null --blob nosuch --bundle b.json "${WHOM[@]}" \
		--trusted-root trusted_root.json
	[ "$stderr" = "img-verify: open 'nosuch': No such file or directory" ]
	run -1 --separate-stderr img-verify -c /dev/null --blob artifact --bundle nosuch "${WHOM[@]}" \
		--trusted-root trusted_root.json
	[ "$stderr" = "img-verify: open 'nosuch': No such file or directory" ]
	run -78 --separate-stderr img-verify -c /dev/null --blob artifact --bundle b.json "${WHOM[@]}" \
		--trusted-root nosuch
	[ "$stderr" = "img-verify: trusted root: open 'nosuch': No such file or directory" ]
}

@test "checks that are left out are said aloud" {
	bundle b.json tokens=good
	run -0 --separate-stderr img-verify -c /dev/null --blob artifact --bundle b.json "${WHOM[@]}" \
		--trusted-root trusted_root.json --insecure-ignore-tlog --insecure-ignore-sct
	[ "${stderr_lines[0]}" = 'img-verify: warning: the transparency log is ignored' ]
	[ "${stderr_lines[1]}" = 'img-verify: warning: the certificate log is ignored' ]
	# a key without any log needs no root
	bundle b.json signer=key rekor=none
	run -0 --separate-stderr img-verify -q -c /dev/null --blob artifact --bundle b.json \
		--key plain.pub --insecure-ignore-tlog
	[ -z "$stderr" ]
}

@test "--json says who signed what and when" {
	bundle b.json content=dsse
	run -0 --separate-stderr img-verify -c /dev/null --json --blob artifact --bundle b.json \
		"${WHOM[@]}" --trusted-root trusted_root.json
	[ "$(jq -c '[.blob, .digest, .key, .subject, .issuer, .signed_at, .log_index, .type, .predicate]' \
		<<<"$output")" = "$(jq -nc --arg digest "sha256:$DIGEST" \
		--arg at "$AT" '["artifact", $digest, null, env.IDENTITY,
		env.ISSUER, $at, 1001, "https://slsa.dev/provenance/v1", {builder: "us"}]')" ]
	bundle b.json signer=key
	run -0 --separate-stderr img-verify -c /dev/null --json --blob artifact --bundle b.json \
		--key other.pub --key plain.pub --trusted-root trusted_root.json
	[ "$(jq -c '[.key, .subject]' <<<"$output")" = '["plain.pub",null]' ]
}

@test "the client of the public suite speaks its protocol" {
	local client=$ROOT/tests/conformance-client digest
	digest=sha256:$DIGEST
	bundle b.json
	run -0 "$client" verify-bundle --bundle b.json "${WHOM[@]}" --trusted-root trusted_root.json artifact
	GANTRY_TRUSTED_ROOT=trusted_root.json run -0 "$client" verify-bundle --bundle b.json "${WHOM[@]}" \
		"$digest"
	GANTRY_TRUSTED_ROOT=trusted_root.json run -1 "$client" verify-bundle --bundle b.json "${WHOM[@]}" \
		b.json
	bundle b.json signer=key
	GANTRY_TRUSTED_ROOT=trusted_root.json run -0 "$client" verify-bundle --bundle b.json --key plain.pub \
		artifact
	run -64 "$client" sign-bundle
}

@test "what a certificate says of a GitHub workflow is compared whole" {
	local n=1.3.6.1.4.1.57264.1 flag=--certificate-github-workflow
	local facts='' hex
	for fact in 2=push 3=c0ffee 4=release 6=refs/tags/v1; do
		_text_hex hex "${fact#*=}"
		facts+="$n.${fact%%=*}=DER:$hex"$'\n'
	done
	WHOM+=("$flag-repository" plant/robot)
	accept
	WHOM+=("$flag-ref" refs/tags/v1)
	refuse "identity: the certificate has no extension $n.6"
	WHOM+=("$flag-sha" c0ffee "$flag-name" release "$flag-trigger" push)
	accept extension="$facts"
	for wrong in 5=plant/robo 7=refs/tags/v 9=c0ffe 11=releases 13=pus; do
		local keep=${WHOM[${wrong%=*}]}
		WHOM[${wrong%=*}]=${wrong#*=}
		refuse "identity: the certificate says '$keep' where '${wrong#*=}' is wanted" extension="$facts"
		WHOM[${wrong%=*}]=$keep
	done
	run -64 --separate-stderr img-verify --blob artifact --bundle b.json --key plain.pub \
		--trusted-root trusted_root.json "$flag-ref" x
	[ "${stderr_lines[0]}" = 'img-verify: --certificate-github-workflow-* goes with --certificate-identity' ]
}
