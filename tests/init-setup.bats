#!/usr/bin/env bats
# init-setup.sh: makes what a gateway needs, once, and never overwrites.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir root
	init=$ROOT/scripts/init-setup.sh
}

@test "--help says what it does" {
	run -0 --separate-stderr "$init" --help
	[ "$stderr" = "" ]
	[[ $output == "usage: init-setup.sh [--root DIR]"* ]]
}

@test "wrong usage is 64" {
	run -64 --separate-stderr "$init" --frob
	[ "$output" = "" ]
	[ "${stderr_lines[0]}" = "init-setup.sh: '--frob' is not an option" ]
	run -64 "$init" --root
}

@test "folders and a configuration are made, and what is missing is said" {
	run -0 --separate-stderr "$init" --root root
	[ "$stderr" = "" ]
	[ "${lines[0]}" = "made      root/etc/gantry" ]
	[ "${lines[1]}" = "made      root/var/lib/gantry" ]
	[ "${lines[2]}" = "made      root/etc/gantry/gantry.conf" ]
	[ "${lines[3]}" = "missing   /etc/gantry/cosign.pub: the public key of whoever signs your images" ]
	[ "$(stat -c %a root/etc/gantry root/var/lib/gantry root/etc/gantry/gantry.conf | xargs)" = "755 750 644" ]
	cmp root/etc/gantry/gantry.conf "$ROOT/compose/gantry.conf.example"
}

@test "POLICY stands for the key" {
	"$init" --root root >/dev/null
	sed -i 's|^VERIFY_KEY=.*|POLICY=/etc/gantry/policy.json|' root/etc/gantry/gantry.conf
	run -0 "$init" --root root
	[[ $output == *"missing   /etc/gantry/policy.json: who must have signed which images, see gantry-policy(5)"* ]]
	[[ $output != *cosign.pub* ]]
	: >root/etc/gantry/policy.json
	run -0 "$init" --root root
	[[ $output != *missing* ]]
}

@test "an identity stands for the key, and needs a trusted root" {
	"$init" --root root >/dev/null
	sed -i 's|^VERIFY_KEY=.*|CERTIFICATE_IDENTITY=https://github.com/acme/x|' root/etc/gantry/gantry.conf
	run -0 "$init" --root root
	[[ $output == *"missing   TRUSTED_ROOT: Sigstore's trusted_root.json, see trusted-root.sh"* ]]
	sed -i 's|^#TRUSTED_ROOT|TRUSTED_ROOT|' root/etc/gantry/gantry.conf
	run -0 "$init" --root root
	[[ $output == *"missing   /etc/gantry/trusted_root.json: Sigstore's"* ]]
	: >root/etc/gantry/trusted_root.json
	run -0 "$init" --root root
	[[ $output != *missing* ]]
}

@test "a second call changes nothing" {
	"$init" --root root >/dev/null
	echo "# mine" >>root/etc/gantry/gantry.conf
	: >root/etc/gantry/cosign.pub
	find root -printf '%p %m %T@\n' | sort >before
	run -0 "$init" --root root
	[ "${lines[2]}" = "here      root/etc/gantry/gantry.conf" ]
	[[ $output != *missing* ]]
	[[ $output != *made* ]]
	find root -printf '%p %m %T@\n' | sort | diff before -
}

@test "a folder that cannot be made is 71, in words" {
	: >root/etc
	run -71 --separate-stderr "$init" --root root
	[ "$stderr" = "init-setup.sh: cannot make 'root/etc/gantry': run this as root" ]
	run -71 --separate-stderr "$init" --root nosuch
	[ "$stderr" = "init-setup.sh: 'nosuch' is not a folder" ]
}

@test "it works from where make install puts it" {
	make -s -C "$ROOT" B="$B" install DESTDIR="$PWD/to" prefix=/usr >/dev/null
	run -0 to/usr/libexec/gantry/init-setup.sh --root root
	[ -f root/etc/gantry/gantry.conf ]
}
