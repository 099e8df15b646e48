#!/usr/bin/env bats
# The trust policy file: img-verify, reg-sync and deploy read it by the same code; here are the first two.

setup_file() {
	load helpers/common
	mkdir "$BATS_FILE_TMPDIR/cosign"
	tar -xzf "$BATS_TEST_DIRNAME/data/cosign-registry.tar.gz" -C "$BATS_FILE_TMPDIR/cosign"
	start_registry cosign
	start_registry dest
	load helpers/image
	. "$BATS_TEST_DIRNAME/helpers/sigstore.bash"
	keyless_image
}

# $REGISTRY_DEST/keyless:1, whose manifest IDENTITY signed, by a bundle at the tag that stands for referrers.
keyless_image() {
	local d n
	PATH="$BATS_TEST_DIRNAME/../scripts:$PATH"
	. "$BATS_TEST_DIRNAME/../scripts/registry.sh"
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR image_layout layout word >digest
	d=$(cat digest)
	cp "layout/blobs/sha256/${d#*:}" artifact
	tar -cf a.tar -C layout .
	push-image.sh a.tar "$REGISTRY_DEST/keyless:1"
	bundle b.json
	printf '{}' >empty
	for f in empty b.json; do registry_put_blob "$REGISTRY_DEST" keyless "$PWD/$f"; done >/dev/null
	for f in empty b.json artifact; do
		jq -n --arg d "sha256:$(sha256sum <"$f" | cut -c 1-64)" --argjson n "$(stat -c %s "$f")" '{digest: $d, size: $n}'
	done | jq -cs '"application/vnd.dev.sigstore.bundle.v0.3+json" as $b | "application/vnd.oci.image.manifest.v1+json" as $m
		| {schemaVersion: 2, mediaType: $m, artifactType: $b,
			config: (.[0] + {mediaType: "application/vnd.oci.empty.v1+json"}),
			layers: [.[1] + {mediaType: $b}], subject: (.[2] + {mediaType: $m})}' >manifest
	n=$(registry_put_manifest "$REGISTRY_DEST" keyless "sha256:$(sha256sum <manifest | cut -c 1-64)" manifest \
		application/vnd.oci.image.manifest.v1+json)
	jq -cn --arg d "$n" --argjson n "$(stat -c %s manifest)" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json",
		manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]}' >index
	registry_put_manifest "$REGISTRY_DEST" keyless "sha256-${d#*:}" index application/vnd.oci.image.index.v1+json
}

teardown_file() {
	load helpers/common
	stop_all
}

setup() {
	load helpers/common
	C=$REGISTRY_COSIGN
	unset VERIFY_KEY POLICY REGISTRY_AUTH_FILE DOCKER_CONFIG
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_TEST_DIRNAME"/data/{a,b}.pub .
	. "$BATS_TEST_DIRNAME/helpers/sigstore.bash"
	K=$REGISTRY_DEST/keyless:1
}

# identities JQ-ARRAY [JQ-OBJECT]: policy.json with one rule for everything
identities() {
	cp "$BATS_FILE_TMPDIR/sigstore/trusted_root.json" .
	jq -n --arg id "$IDENTITY" --arg iss "$ISSUER" "{rules: [{repositories: [\"**\"], trusted_root: \"trusted_root.json\",
		identities: $1} + ${2:-{\}}]}" >policy.json
}

# rules JQ-ARRAY: policy.json with these rules
rules() {
	jq -n --arg c "$C" "{rules: $1}" >policy.json
}

# bad STATUS-78-WORDS: what is said of policy.json
bad() {
	run --separate-stderr -78 img-verify --policy policy.json "$C/robot-app:0.0.1"
	[ -z "$output" ]
	[ "$stderr" = "img-verify: $1" ] || {
		echo "$stderr" >&2
		return 1
	}
}

@test "each repository by the key of its rule, and no rule is no trust" {
	rules '[{repositories: [$c + "/robot-app"], keys: ["b.pub"]}]'
	run --separate-stderr -1 img-verify --policy policy.json "$C/robot-app:0.0.3" "$C/robot-app:0.0.1" \
		"$C/robot-multi:1.1.0"
	[[ $output == "$C/robot-app:0.0.3@sha256:"* ]]
	[ "${#lines[@]}" -eq 1 ]
	[[ ${stderr_lines[0]} == "img-verify: $C/robot-app:0.0.1: "*"signature 1: not made by './b.pub': "* ]]
	[ "${stderr_lines[1]}" = "img-verify: $C/robot-multi:1.1.0: no rule of policy 'policy.json' speaks of '$C/robot-multi'" ]
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "a repository that no rule speaks of is not even asked for" {
	rules '[{repositories: ["registry.example/*"], keys: ["a.pub"]}]'
	run --separate-stderr -1 img-verify --policy policy.json "127.0.0.1:1/a:1"
	[ "$stderr" = "img-verify: 127.0.0.1:1/a:1: no rule of policy 'policy.json' speaks of '127.0.0.1:1/a'" ]
}

@test "the most specific rule decides alone, wherever it stands" {
	general='{repositories: ["**"], keys: ["a.pub"]}' special='{repositories: [$c + "/robot-app"], keys: ["b.pub"]}'
	for all in "[$general, $special]" "[$special, $general]"; do
		rules "$all"
		run -0 img-verify --policy policy.json "$C/robot-app:0.0.3" "$C/robot-multi:1.1.0"
		run -1 img-verify --policy policy.json "$C/robot-app:0.0.1"
	done
	# of equally specific ones the first
	rules '[{repositories: [$c + "/*p"], keys: ["b.pub"]}, {repositories: [$c + "/*-app"], keys: ["a.pub"]},
		{repositories: [$c + "/*xapp"], keys: ["b.pub"]}]'
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.1"
	rules '[{repositories: ["*/robo*app"], keys: ["a.pub"]}, {repositories: ["*/robot*pp"], keys: ["b.pub"]}]'
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.1"
	run -1 img-verify --policy policy.json "$C/robot-app:0.0.3"
}

@test "threshold: so many different signers" {
	rules '[{repositories: ["**"], keys: ["a.pub", "b.pub"], threshold: 2}]'
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.5"
	run --separate-stderr -1 img-verify --policy policy.json "$C/robot-app:0.0.1"
	[ -z "$output" ]
	[[ $stderr == *"has no signature that counts: 1 of 2 signers have signed" ]] || {
		echo "$stderr" >&2
		false
	}
	rules '[{repositories: ["**"], keys: ["a.pub", "b.pub"], threshold: 1}]'
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.1"
	# one key under two names is one signer
	cp a.pub again.pub
	rules '[{repositories: ["**"], keys: ["a.pub", "again.pub"], threshold: 2}]'
	bad "policy 'policy.json': rule 1: 2 signers are needed, but there are only 1"
}

@test "paths start at the file's folder" {
	mkdir -p etc/keys
	mv a.pub etc/keys
	rules '[{repositories: ["**"], keys: ["keys/a.pub"]}]'
	mv policy.json etc
	run -0 img-verify --policy etc/policy.json "$C/robot-app:0.0.1"
	(cd etc && img-verify --policy policy.json "$C/robot-app:0.0.1")
	jq --arg k "$PWD/etc/keys/a.pub" '.rules[0].keys = [$k]' etc/policy.json >policy.json
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.1"
	jq '.rules[0].keys = ["keys/c.pub"]' etc/policy.json >etc/bad.json
	run --separate-stderr -78 img-verify --policy etc/bad.json "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: policy 'etc/bad.json': rule 1: key: open 'etc/keys/c.pub': No such file or directory" ]
	jq '.rules[0].keys = ["-"]' etc/policy.json >etc/bad.json
	run --separate-stderr -78 img-verify --policy etc/bad.json "$C/robot-app:0.0.1" <etc/keys/a.pub
	[ "$stderr" = "img-verify: policy 'etc/bad.json': rule 1: key: open 'etc/-': No such file or directory" ]
}

@test "what is wrong in the file is 78 and says where" {
	run --separate-stderr -78 img-verify --policy nosuch.json "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: policy: open 'nosuch.json': No such file or directory" ]
	echo '{"rules": [}' >policy.json
	bad "policy 'policy.json': not JSON: line 1: unexpected token near '}'"
	printf '{"rules": [{"repositories": ["a.b/c"],\n"keys": ["a.pub"], "keys": ["b.pub"]}]}' >policy.json
	bad "policy 'policy.json': not JSON: line 2: duplicate object key near '\"keys\"'"
	rules '[] | {}'
	bad "policy 'policy.json': no list 'rules'"
	rules '[{repositories: ["**"], keys: ["a.pub"]}, {repositories: ["*/*"], keys: ["a.pub"], treshold: 2}]'
	bad "policy 'policy.json': rule 2: unknown field 'treshold'"
	rules '[{repositories: ["**"]}]'
	bad "policy 'policy.json': rule 1: nobody to trust: no 'keys' and no 'identities'"
	rules '[{repositories: ["**"], keys: ["a.pub"], threshold: 2}]'
	bad "policy 'policy.json': rule 1: 'threshold' is not a number from 1 to 1"
	echo x >junk.pub
	rules '[{repositories: ["**"], keys: ["junk.pub"]}]'
	bad "policy 'policy.json': rule 1: key './junk.pub': not a PEM file"
	{
		cat policy.json
		head -c 1100000 /dev/zero | tr '\0' ' '
	} >large.json
	mv large.json policy.json
	bad "policy: 'policy.json' is larger than 1048576 bytes"
}

@test "a rule that can never match is 78, not left unseen" {
	rules '[{repositories: ["robot-app"], keys: ["a.pub"]}]'
	bad "policy 'policy.json': rule 1: 'robot-app' can never match: it is not HOST/REPO"
	rules '[{repositories: ["**"], keys: ["a.pub"]}, {repositories: ["ghcr.io/acme/robot:1.*"], keys: ["a.pub"]}]'
	bad "policy 'policy.json': rule 2: 'ghcr.io/acme/robot:1.*' can never match: a repository has no tag and no digest"
	rules '[{repositories: ["docker.io/robot"], keys: ["a.pub"]}]'
	bad "policy 'policy.json': rule 1: 'docker.io/robot' can never match: names without a host are under docker.io/, those without a folder under docker.io/library/"
	rules '[{repositories: ["a.b/c"], keys: ["a.pub"]}, {repositories: ["a.b/d", "a.b/c"], keys: ["b.pub"]}]'
	bad "policy 'policy.json': rule 2: 'a.b/c' can never match: rule 1 has it"
}

@test "POLICY of the settings or the environment; a flag wins over both" {
	rules '[{repositories: ["**"], keys: ["a.pub"]}]'
	echo "POLICY=$PWD/policy.json" >g.conf
	run -0 img-verify -c g.conf "$C/robot-app:0.0.1"
	run -1 img-verify -c g.conf "$C/robot-app:0.0.3"
	run -0 img-verify -c g.conf --key b.pub "$C/robot-app:0.0.3"
	run -1 img-verify -c g.conf --key b.pub "$C/robot-app:0.0.1"
	POLICY=policy.json run -0 img-verify -c /dev/null "$C/robot-app:0.0.1"
	echo "VERIFY_KEY=b.pub" >>g.conf
	run --separate-stderr -78 img-verify -c g.conf "$C/robot-app:0.0.1"
	[ "$stderr" = "img-verify: g.conf:1: POLICY: excludes VERIFY_KEY" ]
	run -0 img-verify -c g.conf --policy policy.json "$C/robot-app:0.0.1"
}

@test "--policy goes neither with --key nor with --blob" {
	rules '[{repositories: ["**"], keys: ["a.pub"]}]'
	run --separate-stderr -64 img-verify --policy policy.json --key a.pub "$C/robot-app:0.0.1"
	[ "${stderr_lines[0]}" = "img-verify: --key and --policy exclude each other" ]
	run --separate-stderr -64 img-verify --policy policy.json --blob policy.json --bundle x
	[ "${stderr_lines[0]}" = "img-verify: --policy, --platform, --deep and --metrics-file are for images, not for --blob" ]
	run --separate-stderr -64 reg-sync --policy policy.json --key a.pub "$C/robot-app" "$REGISTRY_DEST/x"
	[ "${stderr_lines[0]}" = "reg-sync: --key and --policy exclude each other" ]
	run --separate-stderr -64 reg-sync --policy policy.json --stdin "$REGISTRY_DEST/x"
	[[ ${stderr_lines[0]} == "reg-sync: --key, --policy and --insecure-skip-verify are for SOURCE DEST: "* ]]
}

@test "reg-sync SOURCE DEST copies what the rule of SOURCE lets pass" {
	rules '[{repositories: [$c + "/robot-app"], keys: ["b.pub"]}]'
	run --separate-stderr -1 reg-sync --policy policy.json --tags '0.0.[13]' "$C/robot-app" "$REGISTRY_DEST/app"
	[[ ${lines[0]} == "refused $C/robot-app:0.0.1@sha256:"*"not made by './b.pub': "* ]]
	[[ ${lines[1]} == "copied $REGISTRY_DEST/app:0.0.3@sha256:"* ]]
	echo "POLICY=policy.json" >g.conf
	run --separate-stderr -1 reg-sync -c g.conf "$C/robot-multi:1.1.0" "$REGISTRY_DEST/multi"
	[[ $output == "refused $C/robot-multi:1.1.0"*" no rule of policy 'policy.json' speaks of '$C/robot-multi'" ]]
	run --separate-stderr -78 reg-sync --policy nosuch.json "$C/robot-app" "$REGISTRY_DEST/app"
	[ "$stderr" = "reg-sync: policy: open 'nosuch.json': No such file or directory" ]
}

@test "identities: exactly, or as a pattern that must match all of it" {
	identities '[{subject: $id, issuer: $iss}]'
	run --separate-stderr -0 img-verify --policy policy.json "$K"
	[[ $output == "$K@sha256:"* ]]
	[ -z "$stderr" ]
	identities '[{subject_regexp: "https://github.com/plant/.*", issuer_regexp: "https://.*"}]'
	run -0 img-verify --policy policy.json "$K"
	identities '[{subject: "https://example.org/me", issuer: $iss}, {subject_regexp: ".*@refs/tags/v1", issuer: $iss}]'
	run -0 img-verify --policy policy.json "$K"
	identities '[{subject_regexp: "https://github.com/plant", issuer: $iss}]'
	run --separate-stderr -1 img-verify --policy policy.json "$K"
	[[ $stderr == *"the certificate is of '$IDENTITY', which is not wanted"* ]]
	identities '[{subject: $id, issuer: "https://accounts.example"}]'
	run --separate-stderr -1 img-verify --policy policy.json "$K"
	[[ $stderr == *"was checked by '$ISSUER', which is not wanted"* ]]
	identities '[{subject: $id, issuer: $iss, github_workflow_repository: "plant/other"}]'
	run --separate-stderr -1 img-verify --policy policy.json "$K"
	[ -z "$output" ]
	[[ $stderr == *"the certificate says 'plant/robot' where 'plant/other' is wanted"* ]]
	identities '[{subject: $id, issuer: $iss, github_workflow_repository: "plant/robot"}]'
	run -0 img-verify --policy policy.json "$K"
}

@test "keys and identities are signers alike" {
	identities '[{subject: $id, issuer: $iss}]' '{keys: ["a.pub"]}'
	run -0 img-verify --policy policy.json "$K"
	identities '[{subject: $id, issuer: $iss}]' '{keys: ["a.pub"], threshold: 2}'
	run --separate-stderr -1 img-verify --policy policy.json "$K"
	[ -z "$output" ]
	[[ $stderr == *"1 of 2"* ]]
	identities '[{subject: $id, issuer: $iss}]' '{keys: ["a.pub"], threshold: 3}'
	bad "policy 'policy.json': rule 1: 'threshold' is not a number from 1 to 2"
}

@test "attestations are asked for besides the signature, or without one" {
	rules '[{repositories: ["**"], keys: ["a.pub"], attestations: ["slsaprovenance1"]}]'
	run -0 img-verify --policy policy.json "$C/robot-app:0.0.7"
	run -1 img-verify --policy policy.json "$C/robot-app:0.0.1"
	rules '[{repositories: ["**"], keys: ["a.pub"], attestations: ["https://slsa.dev/provenance/v0.2"]}]'
	run -1 img-verify --policy policy.json "$C/robot-app:0.0.6"
	jq '.rules[0].signature = false' policy.json >other.json
	run -0 img-verify --policy other.json "$C/robot-app:0.0.6"
	run -1 img-verify --policy other.json "$C/robot-app:0.0.1"
	rules '[{repositories: ["**"], keys: ["a.pub"], signature: false}]'
	bad "policy 'policy.json': rule 1: neither a signature nor an attestation is asked for"
	rules '[{repositories: ["**"], keys: ["a.pub"], attestations: ["slsa"]}]'
	bad "policy 'policy.json': rule 1: 'slsa' is neither a known predicate type nor a URI"
	rules '[{repositories: ["**"], keys: ["a.pub"], signature: "no"}]'
	bad "policy 'policy.json': rule 1: 'signature' is neither true nor false"
}

@test "identities that are wrong are 78 and say where" {
	identities '[{subject: $id, issuer: $iss}]' '{trusted_root: "nosuch.json"}'
	bad "policy 'policy.json': rule 1: trusted root: open './nosuch.json': No such file or directory"
	identities '[{subject: $id, issuer: $iss}]' '{trusted_root: ""}'
	bad "policy 'policy.json': rule 1: 'trusted_root' is not a text"
	rules '[{repositories: ["**"], identities: [{subject: "a", issuer: "b"}]}]'
	bad "policy 'policy.json': rule 1: identities need a trusted root"
	identities '[]'
	bad "policy 'policy.json': rule 1: 'identities' is not a list, or empty"
	identities '[{subject: $id, issuer: $iss}, {subject: $id}]'
	bad "policy 'policy.json': rule 1: identity 2: the certificate issuer must be given once, exactly or as a pattern"
	identities '[{subject: $id, subject_regexp: ".*", issuer: $iss}]'
	bad "policy 'policy.json': rule 1: identity 1: the certificate identity must be given once, exactly or as a pattern"
	identities '[{subject_regexp: "(", issuer: $iss}]'
	run --separate-stderr -78 img-verify --policy policy.json "$K"
	[[ $stderr == "img-verify: policy 'policy.json': rule 1: identity 1: the certificate identity: '(' is not a regular expression: "* ]]
	identities '[{subjectRegExp: ".*", issuer: $iss}]'
	bad "policy 'policy.json': rule 1: identity 1: unknown field 'subjectRegExp'"
	identities '[{subject: 7, issuer: $iss}]'
	bad "policy 'policy.json': rule 1: identity 1: 'subject' is not a text"
	identities '["x"]'
	bad "policy 'policy.json': rule 1: identity 1: is not an object"
}

@test "the manual's examples are policies" {
	mkdir keys
	for n in maker ada grace mary; do
		openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out keys/$n.pub
	done 2>/dev/null
	cp "$BATS_FILE_TMPDIR/sigstore/trusted_root.json" .
	for n in 1 2; do
		awk -v n=$n '/^\.Bd -literal/ { if (++count == n) { on = 1; next } } /^\.Ed/ { on = 0 } on' \
			"$ROOT/man/gantry-policy.5" | sed 's/\\e/\\/g' >example.json
		[ "$(jq '.rules | length' example.json)" -eq 2 ]
		run --separate-stderr -0 img-verify --policy example.json - </dev/null
		[ -z "$output$stderr" ]
	done
}
