# A Sigstore of our own: CA, certificate log, transparency logs of both versions and timestamp
# authorities, made with openssl and jq alone, so that what the library reads was written by
# somebody else.  sigstore_new DIR makes it; bundle FILE KEY=VALUE... signs $DIR/artifact and
# writes a bundle, good unless a KEY says what is to be wrong.  form=sig and form=att write what
# cosign 2 made of the same instead: {"payload": TEXT, "annotations": {...}}, of a layer.
# What needs no escaping is printed: jq takes as long to start as everything else here.

IDENTITY=https://github.com/plant/robot/.github/workflows/release.yml@refs/tags/v1
ISSUER=https://token.actions.githubusercontent.com
STATEMENT_TYPE=https://in-toto.io/Statement/v1
export IDENTITY ISSUER

_hex() { od -An -v -tx1 | tr -d ' \n'; }
_unhex() { # HEX
	# shellcheck disable=SC2001,SC2059
	[ -z "$1" ] || printf "$(sed 's/../\\x&/g' <<<"$1")"
}
_b64() { base64 -w0; }
_sha256() { sha256sum | cut -c1-64; }
_len() { stat -c %s "$1"; }
_spki() { openssl pkey -in "$1" -pubout -outform DER; } # KEY
_der() { openssl x509 -in "$1" -outform DER; }           # PEM

_ec() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" -out "$1"; }

_sign() { # KEY FILE: the signature on stdout
	if grep -q ed25519 <<<"$1"; then
		openssl pkeyutl -sign -rawin -inkey "$1" -in "$2"
	else
		openssl dgst -"${3:-sha256}" -sign "$1" "$2"
	fi
}

# _self NAME KEY [EXTENSION...]: a self-signed CA.
_self() {
	local name=$1 key=$2 a=()
	shift 2
	for x in "$@"; do a+=(-addext "$x"); done
	openssl req -new -x509 -key "$key" -subj "/O=plant/CN=$name" -days 3650 -sha256 \
		-out "$name.pem" "${a[@]}"
}

# _issue CSR-KEY CA OUT START END CONFIG-LINES: by openssl ca, which alone sets dates; the
# serial number only depends on OUT, so that two certificates can differ in one extension.
_issue() {
	local key=$1 ca=$2 out=$3 start=$4 end=$5 lines=$6 subject=${7:-/}
	printf '%s\n' '[ca]' 'default_ca=d' '[d]' database=index serial=serial new_certs_dir=. \
		default_md=sha256 policy=p unique_subject=no '[p]' commonName=optional \
		organizationName=optional '[x]' "$lines" >ca.cnf
	: >index
	printf '%s\n' "$(printf '%s' "$out" | _sha256 | cut -c1-30)" >serial
	openssl req -new -key "$key" -subj "$subject" -out csr
	openssl ca -batch -notext -config ca.cnf -cert "$ca.pem" -keyfile "$ca.key" -in csr \
		-out "$out" -extensions x -startdate "$(date -u -d "@$start" +%Y%m%d%H%M%SZ)" \
		-enddate "$(date -u -d "@$end" +%Y%m%d%H%M%SZ)" 2>ca.log || cat ca.log >&2
}

_tsa() { # NAME EKU
	_ec "$1.key"
	_issue "$1.key" tsaroot "$1.pem" $((NOW - 86400)) $((NOW + 86400)) \
		"keyUsage=critical,digitalSignature
extendedKeyUsage=$2" "/CN=$1"
	printf '%s\n' "[tsa_$1]" "serial=ts.serial" "crypto_device=builtin" "signer_digest=sha256" \
		"default_policy=1.2.3" "digests=sha1,sha256,sha384,sha512" "accuracy=secs:1" \
		"ess_cert_id_alg=sha256" >"$1.cnf"
}

sigstore_new() {
	SIGSTORE=$1
	mkdir -p "$SIGSTORE"
	cd "$SIGSTORE" || return 1
	printf 'a robot, version 1\n' >artifact
	: >envelope
	echo 01 >ts.serial
	local ca='keyUsage=critical,keyCertSign,cRLSign' k
	for k in leaf other ct ct_unknown rekor rekor_unknown plain; do _ec $k.key; done
	for k in root inter inter_tsa evil; do _ec $k.key P-384; done
	_ec tsaroot.key
	openssl genpkey -quiet -algorithm ED25519 -out ed25519.key
	openssl pkey -in plain.key -pubout -out plain.pub
	openssl pkey -in other.key -pubout -out other.pub
	_self root root.key "$ca"
	_self tsaroot tsaroot.key "$ca"
	_self evilroot evil.key "$ca"
	cp evil.key evilroot.key
	# these are valid from the second they were made on
	NOW=$(date +%s)
	_issue inter.key root inter.pem $((NOW - 86400)) $((NOW + 86400)) \
		'basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
extendedKeyUsage=codeSigning' /CN=inter
	_issue inter_tsa.key root inter_tsa.pem $((NOW - 86400)) $((NOW + 86400)) \
		'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
extendedKeyUsage=timeStamping' /CN=inter_tsa
	# a stranger who calls himself the same, and his key too
	_issue evil.key evilroot evil.pem $((NOW - 86400)) $((NOW + 86400)) \
		"basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=$(openssl x509 -in inter.pem -noout -ext subjectKeyIdentifier |
			tail -n 1 | tr -d ' ')" /CN=inter
	_tsa tsa critical,timeStamping
	_tsa tsa_fine critical,timeStamping
	_tsa tsa_wide critical,timeStamping,codeSigning
	_tsa tsa_soft timeStamping
	cp tsaroot.pem keep.pem && cp tsaroot.key keep.key
	_ec tsaroot.key && _self tsaroot tsaroot.key "$ca"
	_tsa tsa_stranger critical,timeStamping
	mv keep.pem tsaroot.pem && mv keep.key tsaroot.key
	_id_v1 rekor.key >rekor.id
	_id_v1 rekor_unknown.key >rekor_unknown.id
	_id_v2 log2.plant >ed25519.id
	printf '\0one' | _sha256 >first.hash
	printf '\0three' | _sha256 >third.hash
	_trusted_root >trusted_root.json
}

_id_v1() { _spki "$1" | _sha256; } # KEY

_log() { # KEY URL DETAILS ID-HEX
	jq -n --arg key "$(_spki "$1" | _b64)" --arg url "$2" --arg details "$3" \
		--arg id "$(_unhex "$4" | _b64)" --arg start "$(date -u -d "@$((NOW - 86400))" +%FT%TZ)" \
		'{baseUrl: $url, hashAlgorithm: "SHA2_256", logId: {keyId: $id},
		  publicKey: {rawBytes: $key, keyDetails: $details, validFor: {start: $start}}}'
}

_authority() { # PEM...
	local list=() p
	for p in "$@"; do list+=("$(_der "$p" | _b64)"); done
	jq -n --arg start "$(date -u -d "@$((NOW - 86400))" +%FT%TZ)" \
		'{certChain: {certificates: [$ARGS.positional[] | {rawBytes: .}]},
		  validFor: {start: $start}}' --args "${list[@]}"
}

# The C2SP key id of an Ed25519 log.
_id_v2() { # NAME
	{
		printf '%s\n\x01' "$1"
		_spki ed25519.key | tail -c 32
	} | _sha256
}

_trusted_root() {
	jq -n --argjson one "$(_log rekor.key https://rekor.plant PKIX_ECDSA_P256_SHA_256 \
		"$(<rekor.id)")" \
		--argjson two "$(_log ed25519.key https://log2.plant/x PKIX_ED25519 "$(<ed25519.id)")" \
		--argjson ct "$(_log ct.key https://ct.plant PKIX_ECDSA_P256_SHA_256 \
			"$(_id_v1 ct.key)")" \
		--argjson ca "$(_authority inter.pem root.pem)" \
		--argjson tsa "$(_authority tsa.pem tsaroot.pem)" \
		'{mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		  tlogs: [$one, $two], ctlogs: [$ct], certificateAuthorities: [$ca],
		  timestampAuthorities: [$tsa]}'
}

# --- the certificate -------------------------------------------------------

_utf8() { # TEXT: a DER UTF8String of less than 128 bytes, as hex
	printf '0c%02x%s' "$(printf %s "$1" | wc -c)" "$(printf %s "$1" | _hex)"
}

_leaf_lines() {
	echo "${o[bc]}"
	echo "keyUsage=critical,${o[ku]}"
	[ -z "${o[eku]}" ] || echo "extendedKeyUsage=${o[eku]}"
	[ -z "${o[san]}" ] || echo "subjectAltName=critical,${o[san]}"
	[ -z "${o[issuer1]}" ] ||
		echo "1.3.6.1.4.1.57264.1.1=DER:$(printf %s "${o[issuer1]}" | _hex)"
	[ -z "${o[issuer]}" ] || echo "1.3.6.1.4.1.57264.1.8=DER:$(_utf8 "${o[issuer]}")"
	echo "1.3.6.1.4.1.57264.1.5=DER:$(printf plant/robot | _hex)"
	[ -z "${o[extension]}" ] || echo "${o[extension]}"
}

# _sct TBS KEY LOG-KEY MS: one SCT as hex, signed by KEY in the name of LOG-KEY
_sct() {
	local tbs=$1 key=$2 log=$3 ms=$4 ext=${o[sct_ext]} n sig
	{
		_unhex "0000$(printf '%016x' "$ms")0001"
		openssl x509 -in "${o[ca]}.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
			openssl dgst -sha256 -binary
		_unhex "$(printf '%06x' "$(_len "$tbs")")"
		cat "$tbs"
		_unhex "$(printf '%04x' $((${#ext} / 2)))$ext"
	} >sct.data
	sig=$(_sign "$key" sct.data | _hex)
	n=$(printf '00%s%016x%04x%s0403%04x%s' "$(_spki "$log" | _sha256)" "$ms" $((${#ext} / 2)) \
		"$ext" $((${#sig} / 2)) "$sig")
	printf '%04x%s' $((${#n} / 2)) "$n"
}

_der_octets() { # HEX
	local n=$((${#1} / 2))
	if ((n < 128)); then printf '04%02x%s' $n "$1"; else printf '0482%04x%s' $n "$1"; fi
}

# The signing certificate for the options in o: cert.pem, made once for equal options.
_leaf() {
	local key scts=''
	key=cert.$(printf '%s|' "${o[san]}" "${o[issuer]}" "${o[issuer1]}" "${o[start]}" "${o[end]}" \
		"${o[eku]}" "${o[ku]}" "${o[bc]}" "${o[sct]}" "${o[sct_ext]}" "${o[ca]}" "${o[extension]}" \
		"${o[leaf]}" | _sha256)
	[ -f "$key" ] || {
		local start=$((NOW + o[start])) end=$((NOW + o[end])) ms=$((NOW * 1000 + 123)) one
		_issue "${o[leaf]}.key" "${o[ca]}" pre.pem "$start" "$end" "$(_leaf_lines)"
		openssl asn1parse -in pre.pem -strparse 4 -noout -out tbs
		for one in ${o[sct]}; do
			case "$one" in
			good) scts+=$(_sct tbs ct.key ct.key "$ms") ;;
			unknown) scts+=$(_sct tbs ct_unknown.key ct_unknown.key "$ms") ;;
			forged) scts+=$(_sct tbs other.key ct.key "$ms") ;;
			early) scts+=$(_sct tbs ct.key ct.key $((ms - 2 * 86400000))) ;;
			moved)
				cp tbs tbs.moved && printf x >>tbs.moved
				scts+=$(_sct tbs.moved ct.key ct.key "$ms")
				;;
			garbage) scts+=0003abcdef ;;
			esac
		done
		scts=$(printf '%04x%s' $((${#scts} / 2)) "$scts")
		scts=$(_der_octets "$scts")
		[ "${o[sct]}" = none ] ||
			_issue "${o[leaf]}.key" "${o[ca]}" pre.pem "$start" "$end" \
				"$(_leaf_lines)
1.3.6.1.4.1.11129.2.4.2=DER:$scts"
		mv pre.pem "$key"
	}
	cp "$key" cert.pem
}

# --- log entry -------------------------------------------------------------

# $1: the PEM of certificate or key, as the log has it
_body() {
	local pem=$1 sig der
	sig=$(_b64 <"${o[body_sig]}")
	case "${o[kind]}" in
	hashedrekord/0.0.1)
		printf '{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"%s"}},"signature":{"content":"%s","publicKey":{"content":"%s"}}}}' \
			"${o[body_hash]}" "$sig" "$(_b64 <"$pem")"
		;;
	hashedrekord/0.0.2)
		der=$(if grep -q CERT "$pem"; then _der "$pem"; else openssl pkey -pubin -in "$pem" -outform DER; fi | _b64)
		printf '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"%s"},"signature":{"content":"%s","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","%s":{"rawBytes":"%s"}}}}}}' \
			"$(_unhex "${o[body_hash]}" | _b64)" "$sig" \
			"$(grep -q CERT "$pem" && echo x509Certificate || echo publicKey)" "$der"
		;;
	dsse/*)
		printf '{"apiVersion":"%s","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"%s"},"payloadHash":{"algorithm":"sha256","value":"%s"},"signatures":[{"signature":"%s","verifier":"%s"}]}}' \
			"${o[kind]#*/}" "$(_sha256 <"${o[body_envelope]}")" \
			"$(_sha256 <"${o[body_payload]}")" "$sig" "$(_b64 <"$pem")"
		;;
	intoto/0.0.1)
		jq -cnS --arg hash "$(_sha256 <"${o[body_payload]}")" --arg pem "$(_b64 <"$pem")" \
			--arg envelope "$(_sha256 <"${o[body_envelope]}")" \
			'{apiVersion: "0.0.1", kind: "intoto", spec: {content: {
			  hash: {algorithm: "sha256", value: $envelope},
			  payloadHash: {algorithm: "sha256", value: $hash}}, publicKey: $pem}}' | tr -d '\n'
		;;
	intoto/*)
		jq -cnS --arg hash "$(_sha256 <"${o[body_payload]}")" --arg sig "$(printf %s "$sig" | _b64)" \
			--arg pem "$(_b64 <"$pem")" --arg type "${o[body_type]}" --arg version "${o[kind]#*/}" \
			--arg envelope "$(_sha256 <"${o[body_envelope]}")" \
			'{apiVersion: $version, kind: "intoto", spec: {content: {envelope: {
			  payloadType: $type, signatures: [{publicKey: $pem, sig: $sig}]},
			  hash: {algorithm: "sha256", value: $envelope},
			  payloadHash: {algorithm: "sha256", value: $hash}}}}' | tr -d '\n'
		;;
	esac
}

_node() { _unhex "01$1$2" | _sha256; } # HEX HEX

# The entry is number 1 of 3.
_entry() {
	local first third leaf root text id hint name origin body index=1
	_body "${o[body_pem]}" >body
	first=$(<first.hash) third=$(<third.hash)
	leaf=$({
		printf '\0'
		cat body
	} | _sha256)
	root=$(_node "$(_node "$first" "$leaf")" "$third")
	if [ "${o[rekor]}" = 2 ]; then
		name=log2.plant origin=log2.plant
	else
		name=rekor.plant origin='rekor.plant - 42' index=1001
	fi
	id=$(<"${o[log]}.id")
	origin=${o[origin]:-$origin}
	hint=${id:0:8}
	printf '%s\n3\n%s\n' "$origin" "$(_unhex "$root" | _b64)" >note
	text=$(
		cat note
		printf '\n— witness.plant %s\n' "$(_unhex 010203040506 | _b64)"
		printf '— %s %s\n' "$name" "$({
			_unhex "$hint"
			_sign "${o[log]}.key" note
		} | _b64)"
		echo .
	)
	body=$(_b64 <body)
	printf '{"body":"%s","integratedTime":%d,"logID":"%s","logIndex":%d}' \
		"$body" $((NOW + o[integrated])) "$id" $index >promise
	text=${text%.}
	printf '{"logIndex": "%d", "logId": {"keyId": "%s"}, "kindVersion": {"kind": "%s", "version": "%s"},
		"canonicalizedBody": "%s", "inclusionProof": {"logIndex": "1", "rootHash": "%s",
		"treeSize": "3", "hashes": ["%s", "%s"], "checkpoint": {"envelope": "%s"}}' \
		$index "$(_unhex "$id" | _b64)" "${o[kind]%/*}" "${o[kind]#*/}" "$body" \
		"$(_unhex "$root" | _b64)" "$(_unhex "$first" | _b64)" "$(_unhex "$third" | _b64)" \
		"${text//$'\n'/\\n}"
	[ "${o[rekor]}" != 1 ] ||
		printf ', "integratedTime": "%d", "inclusionPromise": {"signedEntryTimestamp": "%s"}' \
			$((NOW + o[integrated])) "$(_sign "${o[log]}.key" promise | _b64)"
	echo '}'
}

# --- timestamps ------------------------------------------------------------

_token() { # MODE: of the signature
	local mode=$1 of=signature hash=sha256 more=()
	[ "${o[form]}" != att ] || of=envelope
	case "$mode" in
	embedded | tsa_*) more=(-cert) ;;
	moved) of=artifact ;;
	signature) of=signature ;;
	sha1 | sha384 | sha512) hash=$mode ;;
	esac
	rm -f token
	openssl ts -query -data "$of" "-$hash" "${more[@]}" -out query 2>/dev/null
	openssl ts -reply -queryfile query -config tsa.cnf -section tsa_tsa -signer tsa.pem \
		-inkey tsa.key -out token 2>/dev/null
	[[ $mode != tsa_* ]] || _signed_again "$mode"
	_b64 <token
}

# The same statement of time, signed by an authority whose certificate openssl ts would not use.
_signed_again() { # TSA
	openssl ts -reply -in token -token_out -out token.cms 2>/dev/null
	openssl cms -verify -noverify -nosigs -inform DER -in token.cms -out tst 2>/dev/null
	openssl cms -sign -cades -binary -nodetach -econtent_type 1.2.840.113549.1.9.16.1.4 -md sha256 \
		-in tst -signer "$1.pem" -inkey "$1.key" -outform DER -out token.cms
	_unhex "3082$(printf '%04x' $(($(_len token.cms) + 5)))3003020100" | cat - token.cms >token
}

# --- bundle ----------------------------------------------------------------

_statement() {
	printf '{"_type":"%s","subject":[{"name":"robot","digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":{"builder":"us"}}' \
		"${o[statement]}" "${o[subject]}" "${o[predicate]}"
}

_simple() {
	printf '{"critical":{"identity":{"docker-reference":"plant/robot"},"image":{"docker-manifest-digest":"sha256:%s"},"type":"%s"},"optional":null}' \
		"${o[subject]}" "${o[simple_type]}"
}

_signed() { # writes signed (what is signed) and signature
	if [ "${o[content]}" = dsse ]; then
		_statement >payload
		{
			printf 'DSSEv1 %d %s %d ' ${#o[type]} "${o[type]}" "$(_len payload)"
			cat payload
		} >signed
	elif [ "${o[form]}" = sig ]; then
		_simple >payload
		cp payload signed
	else
		cp artifact signed
	fi
	_sign "${o[signing_key]}.key" signed "${o[hash]}" >signature
	[ "${o[content]}" != dsse ] || _envelope >envelope
	[ "${o[body_sig]}" != signature.second ] ||
		_sign "${o[signing_key]}.key" signed "${o[hash]}" >signature.second
}

# edited EDIT FILE OUT: FILE after jq's EDIT; jq takes its time, so it is not asked for nothing.
edited() {
	if [ "$1" = . ]; then cp "$2" "$3"; else jq "$1" "$2" >"$3"; fi
}

_envelope() {
	printf '{"payloadType":"%s","payload":"%s","signatures":[{"keyid":"","sig":"%s"}]}' \
		"${o[type]}" "$(_b64 <payload)" "$(_b64 <signature)"
}

# _classic ENTRY TOKEN: the form that the bundle's entry and token had before there were bundles.
_classic() {
	local payload=payload sig
	sig=$(_b64 <signature)
	[ "${o[form]}" = sig ] || { payload=envelope && sig=''; }
	jq -n --argjson entry "$1" --arg token "$2" --arg sig "$sig" --rawfile payload $payload \
		--rawfile chain inter.pem \
		--arg cert "$([ "${o[signer]}" = key ] || openssl x509 -in cert.pem)" \
		--slurpfile promise <(if [ "$1" = null ]; then echo null; else cat promise; fi) '
		{payload: $payload, annotations: ({"dev.cosignproject.cosign/signature": $sig}
		 + if $cert == "" then {} else {"dev.sigstore.cosign/certificate": ($cert + "\n"),
			"dev.sigstore.cosign/chain": $chain} end
		 + if $entry == null then {} else {"dev.sigstore.cosign/bundle":
			({SignedEntryTimestamp: $entry.inclusionPromise.signedEntryTimestamp,
			  Payload: $promise[0]} | tojson)} end
		 + if $token == "" then {} else {"dev.sigstore.cosign/rfc3161timestamp":
			({SignedRFC3161Timestamp: $token} | tojson)} end)}'
}

# bundle FILE [KEY=VALUE...]; see the defaults for the keys
bundle() {
	local file=$1 a token tokens=() entry=null made
	local -A o=(
		[version]=0.3 [content]=message [signer]=cert # or key
		[form]=bundle # or sig, or att
		[leaf]=leaf [signing_key]='' [hash]=sha256
		[san]=URI:$IDENTITY [issuer]=$ISSUER [issuer1]=$ISSUER [extension]=''
		[start]=-60 [end]=540 # seconds from now: the certificate's validity
		[eku]=codeSigning [ku]=digitalSignature [bc]='basicConstraints=critical,CA:FALSE' [ca]=inter
		[sct]=good [sct_ext]=''
		[rekor]=1 [kind]='' [log]='' [origin]='' [integrated]=0 # rekor: 1, 2 or none
		[body_sig]=signature [body_hash]='' [body_pem]='' [body_payload]=payload
		[body_type]=application/vnd.in-toto+json [type]=application/vnd.in-toto+json
		[body_envelope]=envelope
		[statement]=$STATEMENT_TYPE [subject]='' [predicate]=https://slsa.dev/provenance/v1
		[simple_type]='cosign container image signature'
		[tokens]='' # modes of _token
		[edit]=.  # jq over the bundle
	)
	shift
	for a in "$@"; do o[${a%%=*}]=${a#*=}; done
	cd "$SIGSTORE" || return 1
	# what only differs in its edits is made once
	made=made.$(for a in "$@"; do [[ $a == edit=* ]] || printf '%s|' "$a"; done | _sha256)
	if [ -f "$made" ]; then
		edited "${o[edit]}" "$made" "$file"
		return
	fi
	[ -n "${o[subject]}" ] || o[subject]=$(_sha256 <artifact)
	[ "${o[form]}" != att ] || o[content]=dsse
	if [ "${o[signer]}" = cert ]; then
		[ -n "${o[signing_key]}" ] || o[signing_key]=${o[leaf]}
		[ -n "${o[body_pem]}" ] || o[body_pem]=cert.pem
		_leaf
	else
		[ -n "${o[signing_key]}" ] || o[signing_key]=plain
		[ -n "${o[body_pem]}" ] || o[body_pem]=plain.pub
	fi
	_signed
	[ -n "${o[body_hash]}" ] || o[body_hash]=$(_sha256 <signed)
	case "${o[rekor]}:${o[content]}" in
	1:message) : "${o[kind]:=hashedrekord/0.0.1}" "${o[log]:=rekor}" ;;
	1:dsse) : "${o[kind]:=dsse/0.0.1}" "${o[log]:=rekor}" ;;
	2:*) : "${o[kind]:=hashedrekord/0.0.2}" "${o[log]:=ed25519}" ;;
	esac
	[ "${o[rekor]}" = none ] || entry=$(_entry)
	for token in ${o[tokens]}; do tokens+=("$(_token "$token")"); done
	if [ "${o[form]}" != bundle ]; then
		_classic "$entry" "${tokens[0]:-}" >"$made"
		jq "${o[edit]}" "$made" >"$file"
		return
	fi
	jq -n --arg version "${o[version]}" --arg cert "$([ "${o[signer]}" = key ] || _der cert.pem | _b64)" \
		--argjson entry "$entry" --arg sig "$(_b64 <signature)" --arg type "${o[type]}" \
		--arg hash "$(_unhex "$(_sha256 <artifact)" | _b64)" \
		--arg payload "$([ "${o[content]}" = message ] || _b64 <payload)" '
		{mediaType: (if $version == "0.3" then "application/vnd.dev.sigstore.bundle.v0.3+json"
			else "application/vnd.dev.sigstore.bundle+json;version=" + $version end),
		 verificationMaterial: ((if $cert == "" then {publicKey: {hint: "x"}}
			elif $version == "0.3" then {certificate: {rawBytes: $cert}}
			else {x509CertificateChain: {certificates: [{rawBytes: $cert}]}} end)
			+ {tlogEntries: [$entry | select(. != null)],
			   timestampVerificationData: {rfc3161Timestamps:
				[$ARGS.positional[] | {signedTimestamp: .}]}})}
		+ if $payload == "" then {messageSignature: {messageDigest: {algorithm: "SHA2_256",
			digest: $hash}, signature: $sig}}
		  else {dsseEnvelope: {payload: $payload, payloadType: $type,
			signatures: [{sig: $sig, keyid: ""}]}} end' --args "${tokens[@]}" >"$made"
	edited "${o[edit]}" "$made" "$file"
}
