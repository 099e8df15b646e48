# A Sigstore of our own: CA, certificate log, transparency logs of both versions and timestamp
# authorities, made with openssl and jq alone, so that what the library reads was written by
# somebody else.  sigstore_new DIR makes it; bundle FILE KEY=VALUE... signs $DIR/artifact and
# writes a bundle, good unless a KEY says what is to be wrong.  form=sig and form=att write what
# cosign 2 made of the same instead: {"payload": TEXT, "annotations": {...}}, of a layer.
# What needs no escaping is printed: jq takes as long to start as everything else here.  A function
# that has a VAR sets it: a subshell takes longer than what would run in it.  And bats, which notes
# every command of a test, notes none of these (set +T): that takes longest of all.

IDENTITY=https://github.com/plant/robot/.github/workflows/release.yml@refs/tags/v1
ISSUER=https://token.actions.githubusercontent.com
STATEMENT_TYPE=https://in-toto.io/Statement/v1
export IDENTITY ISSUER

_hex() { # VAR FILE
	local _hex
	_hex=$(od -An -v -tx1 "$2")
	printf -v "$1" %s "${_hex//[ $'\n']/}"
}

_text_hex() { # VAR TEXT
	local _hex='' _i
	for ((_i = 0; _i < ${#2}; _i++)); do printf -v _hex '%s%02x' "$_hex" "'${2:_i:1}"; done
	printf -v "$1" %s "$_hex"
}

_unhex() { # HEX: its bytes on stdout
	local text='' i
	for ((i = 0; i < ${#1}; i += 2)); do text+="\\x${1:i:2}"; done
	printf %b "$text"
}

_sha256() { # VAR FILE
	printf -v "$1" %.64s "$(sha256sum <"$2")"
}

_b64() { # VAR FILE
	printf -v "$1" %s "$(base64 -w0 "$2")"
}

_hex_b64() { # VAR HEX
	_unhex "$2" >bytes
	_b64 "$1" bytes
}

# What a PEM has between its first line and its last is its DER in base64.
_der_b64() { # VAR PEM
	local _pem
	_pem=$(<"$2")
	_pem=${_pem#*-----$'\n'}
	_pem=${_pem%$'\n'-----*}
	printf -v "$1" %s "${_pem//$'\n'/}"
}

_when() { # VAR SECONDS [FORMAT]
	local -x TZ=UTC
	printf -v "$1" "%(${3:-%FT%TZ})T" "$2"
}

_len() { stat -c %s "$1"; }

_ec() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" -out "$1"; }

_spki() { openssl pkey -in "$1" -pubout -outform DER; } # KEY

_sign() { # KEY FILE [HASH]: the signature on stdout
	if [[ $1 == ed25519* ]]; then
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

# _issue KEY CA OUT START END CONFIG-LINES [SUBJECT]: by openssl ca, which alone sets dates; the
# serial number only depends on OUT, so that two certificates can differ in one extension.
_issue() {
	local key=$1 ca=$2 out=$3 start end lines=$6 subject=${7:-/} csr serial
	csr=$key${subject//\//.}.csr
	_when start "$4" %Y%m%d%H%M%SZ
	_when end "$5" %Y%m%d%H%M%SZ
	_text_hex serial "$out"
	printf '%s\n' '[ca]' 'default_ca=d' '[d]' database=index serial=serial new_certs_dir=. \
		default_md=sha256 policy=p unique_subject=no '[p]' commonName=optional \
		organizationName=optional '[x]' "$lines" >ca.cnf
	: >index
	echo "$serial" >serial
	[ -f "$csr" ] || openssl req -new -key "$key" -subj "$subject" -out "$csr"
	openssl ca -batch -notext -config ca.cnf -cert "$ca.pem" -keyfile "$ca.key" -in "$csr" \
		-out "$out" -extensions x -startdate "$start" -enddate "$end" 2>ca.log || cat ca.log >&2
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
	local -
	set +T
	SIGSTORE=$1
	mkdir -p "$SIGSTORE"
	cd "$SIGSTORE" || return 1
	printf 'a robot, version 1\n' >artifact
	: >envelope
	echo 01 >ts.serial
	local ca='keyUsage=critical,keyCertSign,cRLSign' k ski
	for k in leaf other ct ct_unknown rekor rekor_unknown plain inter; do _ec $k.key; done
	for k in root inter_tsa evil; do _ec $k.key P-384; done
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
	ski=$(openssl x509 -in inter.pem -noout -ext subjectKeyIdentifier)
	ski=${ski##* }
	_issue evil.key evilroot evil.pem $((NOW - 86400)) $((NOW + 86400)) \
		"basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=$ski" /CN=inter
	_tsa tsa critical,timeStamping
	_tsa tsa_fine critical,timeStamping
	_tsa tsa_wide critical,timeStamping,codeSigning
	_tsa tsa_soft timeStamping
	cp tsaroot.pem keep.pem && cp tsaroot.key keep.key
	_ec tsaroot.key && _self tsaroot tsaroot.key "$ca"
	_tsa tsa_stranger critical,timeStamping
	mv keep.pem tsaroot.pem && mv keep.key tsaroot.key
	for k in inter inter_tsa evil ct ct_unknown rekor rekor_unknown; do
		_spki $k.key >spki
		_id $k spki
	done
	# the C2SP key id of an Ed25519 log
	{
		printf 'log2.plant\n\x01'
		_spki ed25519.key | tail -c 32
	} >named
	_id ed25519 named
	printf '\0one' >first
	_id first first
	printf '\0three' >third
	_id third third
	_trusted_root >trusted_root.json
}

# _id NAME FILE: the hash of FILE in NAME.id and, in base64, NAME.id64.
_id() {
	local id
	_sha256 id "$2"
	echo "$id" >"$1.id"
	_hex_b64 id "$id"
	echo "$id" >"$1.id64"
}

_log() { # NAME URL DETAILS
	local key
	_spki "$1.key" >spki
	_b64 key spki
	printf '{"baseUrl": "%s", "hashAlgorithm": "SHA2_256", "logId": {"keyId": "%s"},
		"publicKey": {"rawBytes": "%s", "keyDetails": "%s", "validFor": {"start": "%s"}}}' \
		"$2" "$(<"$1.id64")" "$key" "$3" "$start"
}

_authority() { # PEM PEM
	local one two
	_der_b64 one "$1"
	_der_b64 two "$2"
	printf '{"certChain": {"certificates": [{"rawBytes": "%s"}, {"rawBytes": "%s"}]},
		"validFor": {"start": "%s"}}' "$one" "$two" "$start"
}

_trusted_root() {
	local start
	_when start $((NOW - 86400))
	printf '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs": [%s, %s], "ctlogs": [%s], "certificateAuthorities": [%s],
		"timestampAuthorities": [%s]}\n' \
		"$(_log rekor https://rekor.plant PKIX_ECDSA_P256_SHA_256)" \
		"$(_log ed25519 https://log2.plant/x PKIX_ED25519)" \
		"$(_log ct https://ct.plant PKIX_ECDSA_P256_SHA_256)" \
		"$(_authority inter.pem root.pem)" "$(_authority tsa.pem tsaroot.pem)"
}

# --- the certificate -------------------------------------------------------

_leaf_lines() {
	local issuer1
	_text_hex issuer1 "${o[issuer1]}"
	echo "${o[bc]}"
	echo "keyUsage=critical,${o[ku]}"
	[ -z "${o[eku]}" ] || echo "extendedKeyUsage=${o[eku]}"
	[ -z "${o[san]}" ] || echo "subjectAltName=critical,${o[san]}"
	[ -z "$issuer1" ] || echo "1.3.6.1.4.1.57264.1.1=DER:$issuer1"
	[ -z "${o[issuer]}" ] || echo "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${o[issuer]}"
	echo 1.3.6.1.4.1.57264.1.5=DER:706c616e742f726f626f74 # plant/robot
	[ -z "${o[extension]}" ] || echo "${o[extension]}"
}

# _counted VAR HEX: with its length before it, in two bytes
_counted() { printf -v "$1" '%04x%s' $((${#2} / 2)) "$2"; }

# _sct TBS KEY LOG MS: to scts, one more as hex, signed by KEY in the name of LOG
_sct() {
	local tbs=$1 ms len ext sig sct
	printf -v ms %016x "$4"
	printf -v len %06x "$(_len "$tbs")"
	_counted ext "${o[sct_ext]}"
	{
		_unhex "0000${ms}0001$(<"${o[ca]}.id")$len"
		cat "$tbs"
		_unhex "$ext"
	} >sct.data
	_sign "$2" sct.data >sct.sig
	_hex sig sct.sig
	_counted sig "$sig"
	_counted sct "00$(<"$3.id")$ms${ext}0403$sig"
	scts+=$sct
}

# _leaf CERT: the signing certificate for the options in o, made once
_leaf() {
	local start=$((NOW + o[start])) end=$((NOW + o[end])) ms=$((NOW * 1000 + 123)) scts='' lines one
	[ ! -f "$1" ] || return 0
	lines=$(_leaf_lines)
	_issue "${o[leaf]}.key" "${o[ca]}" pre.pem "$start" "$end" "$lines"
	openssl asn1parse -in pre.pem -strparse 4 -noout -out tbs
	for one in ${o[sct]}; do
		case "$one" in
		good) _sct tbs ct.key ct "$ms" ;;
		unknown) _sct tbs ct_unknown.key ct_unknown "$ms" ;;
		forged) _sct tbs other.key ct "$ms" ;;
		early) _sct tbs ct.key ct $((ms - 2 * 86400000)) ;;
		moved)
			cp tbs tbs.moved && printf x >>tbs.moved
			_sct tbs.moved ct.key ct "$ms"
			;;
		garbage) scts+=0003abcdef ;;
		esac
	done
	_counted scts "$scts"
	[ "${o[sct]}" = none ] || _issue "${o[leaf]}.key" "${o[ca]}" pre.pem "$start" "$end" "$lines
1.3.6.1.4.1.11129.2.4.2=ASN1:FORMAT:HEX,OCTETSTRING:$scts"
	mv pre.pem "$1"
}

# --- log entry -------------------------------------------------------------

# What the log has of the signature and of the certificate or key in the file $1.
_body() {
	local pem=$1 key form=publicKey sig hash='' envelope hashes spec
	_b64 key "$pem"
	_b64 sig "${o[body_sig]}"
	[[ ${o[kind]} == hashedrekord/* ]] || {
		_sha256 envelope "${o[body_envelope]}"
		_sha256 hash "${o[body_payload]}"
		hashes='"hash":{"algorithm":"sha256","value":"'$envelope'"},"payloadHash":{"algorithm":"sha256","value":"'$hash'"}'
	}
	case "${o[kind]}" in
	hashedrekord/0.0.1)
		printf -v spec '"data":{"hash":{"algorithm":"sha256","value":"%s"}},"signature":{"content":"%s","publicKey":{"content":"%s"}}' \
			"${o[body_hash]}" "$sig" "$key"
		;;
	hashedrekord/0.0.2)
		[[ $(<"$pem") != *CERT* ]] || form=x509Certificate
		_der_b64 key "$pem"
		_hex_b64 hash "${o[body_hash]}"
		printf -v spec '"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"%s"},"signature":{"content":"%s","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","%s":{"rawBytes":"%s"}}}}' \
			"$hash" "$sig" "$form" "$key"
		;;
	dsse/*)
		printf -v spec '"envelopeHash":{"algorithm":"sha256","value":"%s"},"payloadHash":{"algorithm":"sha256","value":"%s"},"signatures":[{"signature":"%s","verifier":"%s"}]' \
			"$envelope" "$hash" "$sig" "$key"
		;;
	intoto/0.0.1)
		printf -v spec '"content":{%s},"publicKey":"%s"' "$hashes" "$key"
		;;
	intoto/*)
		printf %s "$sig" >twice
		_b64 sig twice
		printf -v spec '"content":{"envelope":{"payloadType":"%s","signatures":[{"publicKey":"%s","sig":"%s"}]},%s}' \
			"${o[body_type]}" "$key" "$sig" "$hashes"
		;;
	esac
	printf '{"apiVersion":"%s","kind":"%s","spec":{%s}}' "${o[kind]#*/}" "${o[kind]%/*}" "$spec"
}

_node() { # VAR HEX HEX
	_unhex "01$2$3" >node
	_sha256 "$1" node
}

# Sets entry, and writes what the log promises; the entry is number 1 of 3.
_entry() {
	local first third root root64 id id64 name=rekor.plant origin='rekor.plant - 42' body note set index=1001
	local integrated=$((NOW + o[integrated]))
	[ "${o[rekor]}" = 1 ] || name=log2.plant origin=log2.plant index=1
	origin=${o[origin]:-$origin}
	_body "${o[body_pem]}" >body
	_b64 body body
	read -r first <first.id
	read -r third <third.id
	read -r id <"${o[log]}.id"
	read -r id64 <"${o[log]}.id64"
	{
		printf '\0'
		cat body
	} >node
	_sha256 root node
	_node root "$first" "$root"
	_node root "$root" "$third"
	_hex_b64 root64 "$root"
	printf '%s\n3\n%s\n' "$origin" "$root64" >note
	{
		_unhex "${id:0:8}"
		_sign "${o[log]}.key" note
	} >note.sig
	_b64 note note.sig
	note="$origin\\n3\\n$root64\\n\\n— witness.plant AQIDBAUG\\n— $name $note\\n"
	printf '{"body":"%s","integratedTime":%d,"logID":"%s","logIndex":%d}' \
		"$body" $integrated "$id" $index >promise
	printf -v entry '{"logIndex": "%d", "logId": {"keyId": "%s"}, "kindVersion": {"kind": "%s", "version": "%s"},
		"canonicalizedBody": "%s", "inclusionProof": {"logIndex": "1", "rootHash": "%s",
		"treeSize": "3", "hashes": ["%s", "%s"], "checkpoint": {"envelope": "%s"}}' \
		$index "$id64" "${o[kind]%/*}" "${o[kind]#*/}" "$body" "$root64" "$(<first.id64)" \
		"$(<third.id64)" "$note"
	[ "${o[rekor]}" != 1 ] || {
		_sign "${o[log]}.key" promise >promise.sig
		_b64 set promise.sig
		entry+=", \"integratedTime\": \"$integrated\", \"inclusionPromise\": {\"signedEntryTimestamp\": \"$set\"}"
	}
	entry+='}'
}

# --- timestamps ------------------------------------------------------------

_token() { # VAR MODE: of the signature
	local mode=$2 of=signature hash=sha256 more=()
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
	_b64 "$1" token
}

# The same statement of time, signed by an authority whose certificate openssl ts would not use.
_signed_again() { # TSA
	local len
	openssl ts -reply -in token -token_out -out token.cms 2>/dev/null
	openssl cms -verify -noverify -nosigs -inform DER -in token.cms -out tst 2>/dev/null
	openssl cms -sign -cades -binary -nodetach -econtent_type 1.2.840.113549.1.9.16.1.4 -md sha256 \
		-in tst -signer "$1.pem" -inkey "$1.key" -outform DER -out token.cms
	printf -v len %04x $(($(_len token.cms) + 5))
	{
		_unhex "3082${len}3003020100"
		cat token.cms
	} >token
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

# Writes signed (what is signed), signature and envelope; sets sig and payload.
_signed() {
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
	_b64 sig signature
	[ "${o[content]}" != dsse ] || {
		_b64 payload payload
		printf '{"payloadType":"%s","payload":"%s","signatures":[{"keyid":"","sig":"%s"}]}' \
			"${o[type]}" "$payload" "$sig" >envelope
	}
	[ "${o[body_sig]}" != signature.second ] ||
		_sign "${o[signing_key]}.key" signed "${o[hash]}" >signature.second
}

# edited EDIT FILE OUT: FILE after jq's EDIT; jq takes its time, so it is not asked for nothing.
edited() {
	if [ "$1" = . ]; then cp "$2" "$3"; else jq "$1" "$2" >"$3"; fi
}

# _classic CERT ENTRY TOKEN: the form that the bundle's entry and token had before there were bundles.
_classic() {
	local text=payload
	[ "${o[form]}" = sig ] || text=envelope sig=''
	[ "$2" != null ] || echo null >promise
	jq -n --argjson entry "$2" --arg token "$3" --arg sig "$sig" --rawfile payload $text \
		--rawfile chain inter.pem --rawfile cert "${1:-/dev/null}" --slurpfile promise promise '
		{payload: $payload, annotations: ({"dev.cosignproject.cosign/signature": $sig}
		 + if $cert == "" then {} else {"dev.sigstore.cosign/certificate": $cert,
			"dev.sigstore.cosign/chain": $chain} end
		 + if $entry == null then {} else {"dev.sigstore.cosign/bundle":
			({SignedEntryTimestamp: $entry.inclusionPromise.signedEntryTimestamp,
			  Payload: $promise[0]} | tojson)} end
		 + if $token == "" then {} else {"dev.sigstore.cosign/rfc3161timestamp":
			({SignedRFC3161Timestamp: $token} | tojson)} end)}'
}

# _json CERT ENTRY TOKENS: the bundle of all that
_json() {
	local type='application/vnd.dev.sigstore.bundle+json;version='${o[version]} who='"publicKey": {"hint": "x"}' what sum
	[ "${o[version]}" != 0.3 ] || type=application/vnd.dev.sigstore.bundle.v0.3+json
	[ -z "$1" ] || {
		_der_b64 who "$1"
		who='{"rawBytes": "'$who'"}'
		if [ "${o[version]}" = 0.3 ]; then
			who='"certificate": '$who
		else
			who='"x509CertificateChain": {"certificates": ['$who']}'
		fi
	}
	if [ "${o[content]}" = message ]; then
		_sha256 sum artifact
		_hex_b64 sum "$sum"
		what='"messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": "'$sum'"}, "signature": "'$sig'"}'
	else
		what='"dsseEnvelope": '$(<envelope)
	fi
	printf '{"mediaType": "%s", "verificationMaterial": {%s, "tlogEntries": [%s],
		"timestampVerificationData": {"rfc3161Timestamps": [%s]}}, %s}\n' \
		"$type" "$who" "${2#null}" "$3" "$what"
}

# bundle FILE [KEY=VALUE...]; see the defaults for the keys
bundle() {
	local - file=$1 a token tokens='' entry=null made=made cert=cert sig payload
	set +T
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
	# what only differs in its edits is made once, and so is a certificate
	for a in "$@"; do
		o[${a%%=*}]=${a#*=}
		case "$a" in
		edit=*) continue ;;
		leaf=* | san=* | issuer=* | issuer1=* | extension=* | start=* | end=* | eku=* | ku=* | bc=* | ca=* | sct=* | sct_ext=*)
			cert+="|${a//\//:}"
			;;
		esac
		made+="|${a//\//:}"
	done
	cd "$SIGSTORE" || return 1
	[ -f "$made" ] || _make >"$made"
	edited "${o[edit]}" "$made" "$file"
}

# What bundle is asked for, by the options in o.
_make() {
	[ -n "${o[subject]}" ] || _sha256 'o[subject]' artifact
	[ "${o[form]}" != att ] || o[content]=dsse
	if [ "${o[signer]}" = cert ]; then
		: "${o[signing_key]:=${o[leaf]}}" "${o[body_pem]:=$cert}"
		_leaf "$cert"
	else
		cert=
		: "${o[signing_key]:=plain}" "${o[body_pem]:=plain.pub}"
	fi
	_signed
	[ -n "${o[body_hash]}" ] || _sha256 'o[body_hash]' signed
	case "${o[rekor]}:${o[content]}" in
	1:message) : "${o[kind]:=hashedrekord/0.0.1}" "${o[log]:=rekor}" ;;
	1:dsse) : "${o[kind]:=dsse/0.0.1}" "${o[log]:=rekor}" ;;
	2:*) : "${o[kind]:=hashedrekord/0.0.2}" "${o[log]:=ed25519}" ;;
	esac
	[ "${o[rekor]}" = none ] || _entry
	for a in ${o[tokens]}; do
		_token token "$a"
		tokens+="${tokens:+, }{\"signedTimestamp\": \"$token\"}"
	done
	if [ "${o[form]}" = bundle ]; then
		_json "$cert" "$entry" "$tokens"
	else
		_classic "$cert" "$entry" "${token:-}"
	fi
}
