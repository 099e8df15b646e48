# Sigstore bundles: what is believed and what is not, each for its own reason.
load helpers/common
load helpers/sigstore

setup_file() {
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	export SIGSTORE NOW
}

setup() {
	cd "$SIGSTORE"
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
	[ "$status" = 1 ] && [ "$stderr" = "$words" ] || {
		printf '%s: status %s\ngot  %s\nwant %s\n' "$*" "$status" "$stderr" "$words"
		return 1
	}
	[ -z "$output" ]
}

entry=.verificationMaterial.tlogEntries[0]
token=.verificationMaterial.timestampVerificationData.rfc3161Timestamps

@test "bundles of every version pass, by file and by digest" {
	accept version=0.1
	accept version=0.2
	accept version=0.3
	WHAT=sha256:$DIGEST
	accept
	accept edit='.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.3"'
	accept version=0.1 edit="del($entry.inclusionProof)"
	accept content=dsse
}

@test "envelopes pass with each kind of log entry" {
	accept content=dsse kind=dsse/0.0.1
	accept content=dsse kind=intoto/0.0.2
	accept content=dsse rekor=2 tokens=good
	accept content=dsse statement=https://in-toto.io/Statement/v0.1
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

@test "another artifact is refused, by every check that meets it" {
	echo other >other
	WHAT=other
	refuse 'transparency log: the log entry has another artifact'
	refuse 'statement: the artifact is not a subject of the statement' content=dsse
	WHOM+=(--insecure-ignore-tlog)
	refuse 'artifact: the bundle is of another artifact' tokens=good
	refuse 'signature: the signature does not verify' tokens=good \
		edit='del(.messageSignature.messageDigest)'
}

@test "a bundle must be what its version says" {
	local root inter
	_der_b64 root root.pem
	_der_b64 inter inter.pem
	refuse "not a Sigstore bundle of version 0.1 to 0.3, its media type is 'application/vnd.dev.sigstore.bundle+json;version=0.4'" version=0.4
	refuse 'a certificate chain, which version 0.3 must not have' version=0.2 \
		edit='.mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"'
	refuse 'log entry 1: no inclusion promise, which version 0.1 must have' version=0.1 \
		edit="del($entry.inclusionPromise)"
	refuse 'log entry 1: no inclusion proof, which version 0.2 must have' version=0.2 \
		edit="del($entry.inclusionProof)"
	refuse 'log entry 1: no checkpoint, which version 0.3 must have' \
		edit="del($entry.inclusionProof.checkpoint)"
	refuse "log entry 1: 'logIndex' is not a number from 0 on" edit="$entry.logIndex = \"-1\""
	refuse 'log entry 2 is there twice' edit=".verificationMaterial.tlogEntries += [$entry]"
	refuse 'timestamp 2 is there twice' tokens=good edit="$token += $token"
	refuse 'not exactly one of certificate, certificate chain and public key' \
		edit='.verificationMaterial.publicKey = {hint: "x"}'
	refuse 'not exactly one of message signature and envelope' \
		edit='.dsseEnvelope = {payload: "", payloadType: "", signatures: []}'
	refuse 'not exactly one of message signature and envelope' edit='del(.messageSignature)'
	refuse 'the certificate chain is empty' version=0.2 \
		edit='.verificationMaterial.x509CertificateChain.certificates = []'
	refuse 'the certificate chain has a root certificate in it' version=0.2 \
		edit=".verificationMaterial.x509CertificateChain.certificates += [{rawBytes: \"$root\"}]"
	accept version=0.2 \
		edit=".verificationMaterial.x509CertificateChain.certificates += [{rawBytes: \"$inter\"}]"
	refuse 'signature: not base64' edit='.messageSignature.signature += "\n"'
	bundle b.json
	sed -i 's/"mediaType"/"mediaType": "x", "mediaType"/' b.json
	run -1 judge
	[[ $output == "img-verify: 'artifact': bundle: bundle: not JSON: line "*': duplicate object key'* ]]
}

@test "a certificate must come from a CA of the root, at the time of signing" {
	refuse 'transparency log: it was logged at '"$AT"', when the certificate was not valid' start=-600 end=-300
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
	refuse 'transparency log: it was logged at '"$AT"', when the certificate was not valid' start=1 end=300
	refuse 'transparency log: it was logged at '"$AT"', when the certificate was not valid' start=-300 end=-1
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

@test "a promise signs body, time and place" {
	refuse "transparency log: the log's promise (SET): the signature does not verify" \
		edit="$entry.integratedTime = \"$((NOW + 1))\""
	refuse "transparency log: the log's promise (SET): the signature does not verify" \
		edit="$entry.logIndex = \"1002\""
	refuse 'transparency log: a promise (SET) without a time' edit="del($entry.integratedTime)"
	refuse 'transparency log: an entry of Rekor v2 with a promise (SET)' rekor=2 tokens=good \
		edit="$entry.inclusionPromise = {signedEntryTimestamp: \"AAAA\"}"
	refuse 'transparency log: the trusted root does not know the log' log=rekor_unknown
	ROOT_EDIT='.tlogs[].publicKey.validFor.end = "2021-01-01T00:00:00Z"'
	refuse 'transparency log: the log was not in use then'
	refuse 'transparency log: the log was not in use then' rekor=2 tokens=good
	ROOT_EDIT=".tlogs[].publicKey.validFor.end = \"$AT\""
	accept
}

@test "a proof leads exactly from the entry to the checkpoint" {
	refuse 'transparency log: the inclusion proof leads to another root hash' \
		edit="$entry.inclusionProof.hashes |= reverse"
	refuse 'transparency log: the inclusion proof is too short' \
		edit="$entry.inclusionProof.hashes |= .[:1]"
	refuse 'transparency log: the inclusion proof is too long' \
		edit="$entry.inclusionProof.hashes += [$entry.inclusionProof.hashes[0]]"
	refuse 'transparency log: the inclusion proof is for entry 3 of 3' \
		edit="$entry.inclusionProof.logIndex = \"3\""
	refuse 'transparency log: the inclusion proof leads to another root hash' \
		edit="$entry.inclusionProof.logIndex = \"0\""
	refuse 'transparency log: the inclusion proof is of another entry' rekor=2 tokens=good \
		edit="$entry.inclusionProof.logIndex = \"0\""
	refuse 'transparency log: the checkpoint is of another size of the log' \
		edit="$entry.inclusionProof.treeSize = \"4\""
	refuse 'transparency log: the inclusion proof leads to another root hash' \
		edit="$entry.inclusionProof.rootHash = $entry.inclusionProof.hashes[0]"
}

@test "a good checkpoint of another tree proves nothing" {
	bundle other.json content=dsse
	refuse 'transparency log: the checkpoint has another root hash' \
		edit="$entry.inclusionProof.checkpoint = $(jq -c "$entry.inclusionProof.checkpoint" other.json)"
}

@test "a checkpoint is signed by its log, under its name" {
	local note=$entry.inclusionProof.checkpoint.envelope
	refuse "transparency log: the checkpoint is not signed by the log 'rekor.plant'" \
		origin='rekor.other - 42'
	refuse "transparency log: the checkpoint is not signed by the log 'log2.plant'" rekor=2 \
		tokens=good origin=log2.other
	refuse "transparency log: the checkpoint is not signed by the log 'log2.plant'" rekor=2 \
		tokens=good edit="$note |= gsub(\"log2\"; \"log3\")"
	refuse 'transparency log: checkpoint: the signature does not verify' \
		edit="$note |= sub(\"- 42\"; \"- 43\")"
	refuse "transparency log: the checkpoint is not signed by the log 'rekor.plant'" \
		edit="$note |= (split(\"\\n\") | del(.[5]) | join(\"\\n\"))"
	refuse 'transparency log: the checkpoint has no signatures' \
		edit="$note |= (split(\"\\n\") | .[:4] + [\"\"] | join(\"\\n\"))"
	refuse "transparency log: the checkpoint's size cannot be read" \
		edit="$note |= sub(\"\\n3\\n\"; \"\\n03\\n\")"
	refuse "transparency log: checkpoint: the checkpoint's signature line cannot be read" \
		edit="$note += \"more\\n\""
	ROOT_EDIT='.tlogs[1].baseUrl = "https://log9.plant"'
	refuse "transparency log: the checkpoint is not signed by the log 'log9.plant'" rekor=2 tokens=good
}

@test "a log entry must be of this signature" {
	local zero
	zero=$(printf '%064d' 0)
	refuse 'transparency log: the log entry has another signature' body_sig=signature.second
	refuse 'transparency log: the log entry has another artifact' body_hash="$zero"
	refuse 'transparency log: the log entry has another certificate' body_pem=inter.pem
	refuse 'transparency log: the log entry has another certificate' body_pem=other.pub
	refuse 'transparency log: the log entry has another signature' rekor=2 tokens=good \
		body_sig=signature.second
	refuse 'transparency log: the log entry has another artifact' rekor=2 tokens=good \
		body_hash="$zero"
	refuse 'transparency log: the log entry has another certificate' rekor=2 tokens=good \
		body_pem=inter.pem
	for kind in dsse/0.0.1 intoto/0.0.2; do
		refuse 'transparency log: the log entry has another signature' content=dsse \
			kind=$kind body_sig=signature.second
		refuse 'transparency log: the log entry has another payload' content=dsse \
			kind=$kind body_payload=artifact
		refuse 'transparency log: the log entry has another certificate' content=dsse \
			kind=$kind body_pem=inter.pem
		refuse 'transparency log: the log entry is of an envelope, not of a file' kind=$kind \
			body_payload=artifact
	done
	refuse 'transparency log: the log entry has another payload type' content=dsse \
		kind=intoto/0.0.2 body_type=text/plain
	refuse 'transparency log: a log entry of kind intoto 0.0.1 does not name the signature' \
		content=dsse kind=intoto/0.0.1
	refuse 'transparency log: log entries of kind dsse 0.0.2 are not supported' content=dsse \
		kind=dsse/0.0.2
	refuse 'transparency log: log entries of kind dsse 0.0.2 are not supported' content=dsse \
		kind=dsse/0.0.2 rekor=2 tokens=good
	refuse 'transparency log: the log entry is not of kind dsse 0.0.1' \
		edit="$entry.kindVersion.kind = \"dsse\""
}

@test "without a log entry nothing passes, unless the log is ignored aloud" {
	refuse 'transparency log: entries in 0 logs, 1 needed' rekor=none tokens=good
	WHOM+=(--insecure-ignore-tlog)
	accept rekor=none tokens=good
	# its time is ignored with it
	refuse 'time: 0 signed times, 1 needed'
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

@test "an envelope must hold a statement about the artifact" {
	refuse "statement: the envelope holds 'text/plain', not an in-toto statement" content=dsse \
		type=text/plain
	refuse "statement: the statement's type is 'https://x'" content=dsse statement=https://x
	refuse 'statement: the artifact is not a subject of the statement' content=dsse \
		subject="$(printf '%064d' 0)"
	refuse 'the envelope has 2 signatures, not one' content=dsse \
		edit='.dsseEnvelope.signatures += .dsseEnvelope.signatures'
	WHOM+=(--type https://slsa.dev/provenance/v1)
	accept content=dsse
	WHOM[5]=https://slsa.dev/provenance/v2
	refuse "statement: the statement's predicate is 'https://slsa.dev/provenance/v1', not 'https://slsa.dev/provenance/v2'" content=dsse
	refuse 'statement: the bundle has none'
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

# unchanged KEY=VALUE...: no byte of that bundle can be changed
unchanged() {
	bundle b.json "$@"
	run -0 --separate-stderr "$B/helpers/mutate" b.json trusted_root.json artifact "$IDENTITY" "$ISSUER"
	[ "${output%% *}" -gt 3000 ]
}

@test "no byte of what is signed can be changed" {
	unchanged
	unchanged content=dsse rekor=2 tokens=good
	unchanged content=dsse kind=intoto/0.0.2
	# an unsigned change is not taken for a signed one
	bundle b.json rekor=none
	run -1 --separate-stderr "$B/helpers/mutate" b.json trusted_root.json artifact "$IDENTITY" "$ISSUER"
	[ "$stderr" = 'mutate: bundle: transparency log: entries in 0 logs, 1 needed' ]
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
