# What proves that a bundle is of this artifact: its form, its statement, its log entry, byte by byte.
load helpers/common
load helpers/sigstore
load helpers/blob

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
