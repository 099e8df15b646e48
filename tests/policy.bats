#!/usr/bin/env bats
# The trust policy file: img-verify, reg-sync and deploy read it by the same code; here are the first two.

setup_file() {
	load helpers/common
	mkdir "$BATS_FILE_TMPDIR/cosign"
	tar -xzf "$BATS_TEST_DIRNAME/data/cosign-registry.tar.gz" -C "$BATS_FILE_TMPDIR/cosign"
	start_registry cosign
	start_registry dest
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
	[[ ${stderr_lines[0]} == "img-verify: $C/robot-app:0.0.1: "*"signature 1: not made by './b.pub'" ]]
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
	bad "policy 'policy.json': rule 1: nobody to trust: no 'keys'"
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
	run --separate-stderr -64 img-verify --policy policy.json --blob policy.json --bundle x --key a.pub \
		--insecure-ignore-tlog
	[ "${stderr_lines[0]}" = "img-verify: --policy, --platform and --deep are for images, not for --blob" ]
	run --separate-stderr -64 reg-sync --policy policy.json --key a.pub "$C/robot-app" "$REGISTRY_DEST/x"
	[ "${stderr_lines[0]}" = "reg-sync: --key and --policy exclude each other" ]
	run --separate-stderr -64 reg-sync --policy policy.json --stdin "$REGISTRY_DEST/x"
	[[ ${stderr_lines[0]} == "reg-sync: --key, --policy and --insecure-skip-verify are for SOURCE DEST: "* ]]
}

@test "reg-sync SOURCE DEST copies what the rule of SOURCE lets pass" {
	rules '[{repositories: [$c + "/robot-app"], keys: ["b.pub"]}]'
	run --separate-stderr -1 reg-sync --policy policy.json --tags '0.0.[13]' "$C/robot-app" "$REGISTRY_DEST/app"
	[[ ${lines[0]} == "refused $C/robot-app:0.0.1@sha256:"*"not made by './b.pub'" ]]
	[[ ${lines[1]} == "copied $REGISTRY_DEST/app:0.0.3@sha256:"* ]]
	echo "POLICY=policy.json" >g.conf
	run --separate-stderr -1 reg-sync -c g.conf "$C/robot-multi:1.1.0" "$REGISTRY_DEST/multi"
	[[ $output == "refused $C/robot-multi:1.1.0@sha256:"*" no rule of policy 'policy.json' speaks of '$C/robot-multi'" ]]
	run --separate-stderr -78 reg-sync --policy nosuch.json "$C/robot-app" "$REGISTRY_DEST/app"
	[ "$stderr" = "reg-sync: policy: open 'nosuch.json': No such file or directory" ]
}
