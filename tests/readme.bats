#!/usr/bin/env bats
# README, "From a clone to an updated fleet": every command of it, as it stands there, in this machine's
# own system, in which whatever is written is forgotten.  github.com is a repository on this disk, ghcr.io
# a registry on this machine, and the workflow's release is made here, signed with a certificate.

load helpers/common
load helpers/engine
load helpers/image
load helpers/site
load helpers/faults
load helpers/sigstore

setup_file() {
	export SYSTEM=$BATS_FILE_TMPDIR/system
	make_key good
	start_registry remote
	start_system
	start_ghcr
	start_github
	sigstore_new "$BATS_FILE_TMPDIR/sigstore"
	export SIGSTORE NOW
}

teardown_file() {
	stop_system
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

start_system() {
	local dir layer=$BATS_FILE_TMPDIR/layer
	mkdir "$SYSTEM" "$layer"
	mount -t tmpfs tmpfs "$layer"
	mkdir "$layer/upper" "$layer/work"
	mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" overlay "$SYSTEM"
	mkdir -p "$SYSTEM/var/lib/docker"
	for dir in run tmp var/lib/docker; do
		mount -t tmpfs tmpfs "$SYSTEM/$dir"
	done
	# sudo of Debian: another PATH
	cat >"$SYSTEM/usr/local/bin/sudo" <<-'SH'
		#!/bin/sh
		exec env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
	SH
	printf '#!/bin/sh\necho "$*" >>/root/gh.log\n' >"$SYSTEM/usr/local/bin/gh"
	chmod +x "$SYSTEM"/usr/local/bin/{sudo,gh}
	rm -rf "$SYSTEM/etc/gantry" "$SYSTEM/var/lib/gantry" "$SYSTEM/root/.docker" "$SYSTEM/root/.gitconfig"
	rm -f "$SYSTEM/var/spool/cron/crontabs/root"
	echo 127.0.0.3 ghcr.io >>"$SYSTEM/etc/hosts"
	# no chroot, or what is executed in a container would see this machine; and nobody else sees these mounts,
	# so that nothing that clears away this file's folder can reach them
	unshare --mount --propagation private sh -euc 'cd "$0"; mkdir -p .old; mount --rbind /dev dev; mount --rbind /sys sys
		mount --bind /proc proc; pivot_root . .old; umount -l .old; exec sleep infinity' "$SYSTEM" >"$BATS_FILE_TMPDIR/system.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	echo $! >"$BATS_FILE_TMPDIR/system.pid"
	wait_for 20 in_system test ! -e "$BATS_FILE_TMPDIR" || {
		cat "$BATS_FILE_TMPDIR/system.log" >&2
		return 1
	}
	in_system dockerd --iptables=false --ip-forward=false --ip-masq=false --bip=10.213.0.1/24 --log-level warn \
		>"$BATS_FILE_TMPDIR/dockerd.log" 2>&1 3>&- &
	export DOCKER_HOST=unix://$SYSTEM/run/docker.sock
	wait_for 60 docker version
	registry_image docker.io/library/registry:2.8.3
}

stop_system() {
	local engine
	if [ -f "$SYSTEM/run/docker.pid" ]; then
		docker ps -aq | xargs -r docker rm -f >/dev/null
		engine=$(<"$SYSTEM/run/docker.pid")
		kill "$engine"
		wait_for 30 not_alive "$engine"
	fi
	stop_all
	awk -v d="$SYSTEM" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount -l
	umount -l "$BATS_FILE_TMPDIR/layer"
}

# The remote registry's folder as ghcr.io: with TLS, and for those who have logged in.
start_ghcr() {
	local at=$BATS_FILE_TMPDIR/ghcr
	openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=ghcr.io \
		-addext subjectAltName=DNS:ghcr.io -keyout "$at.key" -out "$at.pem" 2>/dev/null
	cat "$at.pem" >>"$SYSTEM/etc/ssl/certs/ca-certificates.crt"
	htpasswd -cbB "$at.users" acme s3cret 2>/dev/null
	cat >"$at.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $BATS_FILE_TMPDIR/remote}}
		http: {addr: "127.0.0.3:443", secret: gantry, tls: {certificate: $at.pem, key: $at.key}}
		auth: {htpasswd: {realm: ghcr.io, path: $at.users}}
	YML
	docker-registry serve "$at.yml" >"$at.log" 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
	wait_for 20 curl -sSk -o /dev/null https://127.0.0.3/v2/
}

# This tree, as somebody's repository at github.com.
start_github() {
	local repo=$SYSTEM/srv/robots.git tree=$BATS_FILE_TMPDIR/tree
	git init -q --bare -b main "$repo"
	mkdir "$tree"
	git -C "$ROOT" ls-files -z | (cd "$ROOT" && xargs -0 cp --parents -at "$tree")
	git -C "$tree" init -q -b main
	git -C "$tree" add -A
	git -C "$tree" -c user.name=acme -c user.email=acme@example.com commit -q -m "our robots"
	git -C "$tree" push -q "$repo" main
	in_system git config --system url.file:///srv/robots.git.insteadOf https://github.com/acme/robots
	in_system git config --system safe.directory '*'
}

in_system() {
	nsenter --mount="/proc/$(<"$BATS_FILE_TMPDIR/system.pid")/ns/mnt" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 "$@"
}

# typed COMMANDS: in the clone, as root; the scripts are where step 4 has put them.
typed() {
	in_system bash -euo pipefail -c "cd /root/robots; PATH=\$PATH:/usr/libexec/gantry; $1"
}

# step N: what is set off in that step of the README.
step() {
	awk -v n="$1. " '/^## /{ on = /^## From a clone/ } on && /^[^ ]/{ item = index($0, n) == 1 }
		on && item && sub(/^       /, "")' "$ROOT/README.md"
}

# block SECTION N: the N-th that is set off there.
block() {
	awk -v title="## $1" -v n="$2" '/^## /{ on = $0 == title; k = 0 } !/^    /{ if ($0 != "") within = 0; next }
		on && !within { k++; within = 1 } on && k == n' "$ROOT/README.md"
}

# inline N: what stands between the words of that step.
inline() {
	awk -v n="$1. " '/^## /{ on = /^## From a clone/ } on && /^[^ ]/{ item = index($0, n) == 1 }
		on && item && !/^       /' "$ROOT/README.md" | tr '\n' ' ' | grep -oE '`[^`]+`' | tr -d '`'
}

# The workflow's work: the version that was asked for last, signed by the workflow (and, for those who have
# a key, with that).
run_workflow() {
	local version ref digest hex
	version=$(sed -n 's/^workflow run build-robot-app.yml -f version=//p' "$SYSTEM/root/gh.log" | tail -n 1)
	[ -n "$version" ]
	"$ROOT/scripts/build-image.sh" "$version" --output "$BATS_TEST_TMPDIR/app.tar" "$@" >/dev/null
	ref=$("$ROOT/scripts/push-image.sh" "$BATS_TEST_TMPDIR/app.tar" "$REGISTRY_REMOTE/acme/robot-app:$version")
	digest=${ref##*@} hex=${ref##*:}
	"$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/good.pem" "$ref" >/dev/null
	(
		cd "$SIGSTORE" || exit
		export IDENTITY=https://github.com/acme/robots/.github/workflows/build-robot-app.yml@refs/heads/main
		bundle one.json form=sig subject="$hex"
		jq -j .payload one.json >layer
		curl -fsS "http://$REGISTRY_REMOTE/v2/acme/robot-app/manifests/sha256-$hex.sig" \
			-H "Accept: application/vnd.oci.image.manifest.v1+json" >manifest
		put_blob "$REGISTRY_REMOTE/acme/robot-app" layer | jq -c --slurpfile f one.json --slurpfile m manifest '. +
			{mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", annotations: $f[0].annotations} |
			. as $layer | $m[0] | .layers += [$layer]' >both
		put_manifest "$REGISTRY_REMOTE/acme/robot-app" "sha256-$hex.sig" both >/dev/null
	)
	echo "$digest"
}

versions() {
	local n
	for n in 1 2 3; do
		curl -fsS "http://localhost:500$n/health" | jq -r .version
	done | xargs
}

@test "1: a clone, and a release of it" {
	[ "$(step 1 | wc -l)" = 3 ]
	in_system bash -euc "cd; $(step 1)"
	[ "$(<"$SYSTEM/root/gh.log")" = "$(printf '%s\n' 'workflow run build-robot-app.yml -f version=1.0.0' 'run watch')" ]
	[ -f "$SYSTEM/root/robots/.github/workflows/build-robot-app.yml" ]
	run_workflow
}

@test "2: the package, from the clone" {
	# these are here; what is built already is the same
	in_system bash -euc "$(step 2 | sed -n 's/apt install/apt-get -qq -s install/; 1p')"
	find "$SYSTEM/root/robots" -type f -exec touch -d @0 {} +
	mkdir "$SYSTEM/root/robots/build"
	cp -a "$B"/{flags,lib,tools,libgantry.a,robot-serve,reg-sync,img-verify,deploy,healthcheck,rollback} "$SYSTEM/root/robots/build"
	[ "$(step 2 | wc -l)" = 2 ]
	in_system bash -euc "cd /root/robots; $(step 2 | sed -n 2p)"
	[ "$(in_system sh -c 'command -v deploy')" = /usr/bin/deploy ]
}

@test "3: whom to trust, and the way to ghcr.io" {
	local file=$SYSTEM/etc/gantry/gantry.conf
	step 3 | grep "=" >block
	[ "$(wc -l <block)" = 4 ]
	sed -i '/^VERIFY_KEY=/d; /^REMOTE_IMAGE=/d' "$file"
	cat block >>"$file"
	# a site has more patience
	sed -i 's/^HEALTH_CHECK_TIMEOUT=.*/HEALTH_CHECK_TIMEOUT=20/; s/^HEALTH_CHECK_INTERVAL=.*/HEALTH_CHECK_INTERVAL=1/; s/^SOAK=.*/SOAK=1/' "$file"
	# trusted-root.bats runs this one; here is another Sigstore
	[ "$(step 3 | grep -v =)" = "sudo /usr/libexec/gantry/trusted-root.sh $(sed -n 's/^TRUSTED_ROOT=//p' block)" ]
	in_system sudo /usr/libexec/gantry/trusted-root.sh --help
	cp "$SIGSTORE/trusted_root.json" "$SYSTEM/etc/gantry/trusted_root.json"
	run -1 typed sync-images.sh
	in_system bash -euc "$(inline 3 | grep 'docker login') -u acme --password-stdin" <<<s3cret
}

@test "4: the first start" {
	run -0 in_system bash -euc "$(step 4)"
	[ "$(versions)" = "1.0.0 1.0.0 1.0.0" ]
	[[ $output == *"ok   all robots have one version"* ]]
	[[ $output != *$'\nbad '* ]]
	[[ $output == *$'\nrobot-service-3 '*' healthy '* ]]
}

@test "5: by itself from now on" {
	typed "$(step 5)"
	run -0 in_system crontab -l
	[ "${#lines[@]}" = 3 ]
	# as the README shows them
	diff <(sed -E "s/'//g; s/ -c .*//" <<<"$output") <(sed -nE 's/^    ((\*\/5|2-59\/5|@reboot) .*)/\1/p' "$ROOT/README.md")
}

@test "6: the next release, without waiting; a bad one is taken back, and history says why" {
	typed "$(inline 6 | grep 'gh workflow')"
	run_workflow
	typed "$(inline 6 | grep 'sync-images')"
	[ "$(versions)" = "1.0.1 1.0.1 1.0.1" ]
	typed "gh workflow run build-robot-app.yml -f version=1.0.2"
	run_workflow --env LOG_DIR=/nonexistent
	run -3 typed "$(inline 6 | grep 'sync-images')"
	[ "$(versions)" = "1.0.1 1.0.1 1.0.1" ]
	run -0 typed "$(inline 6 | grep history)"
	[[ $output == *" 1.0.2 "*" rolled-back "* ]]
}

@test "7: back, and there it stays" {
	[ "$(inline 7 | wc -l)" = 2 ]
	run -0 typed "$(inline 7 | head -n 1)"
	[[ $output == *1.0.0*sha256:* ]]
	run -0 typed "$(inline 7 | tail -n 1)"
	[ "$(versions)" = "1.0.0 1.0.0 1.0.0" ]
	typed "sync-images.sh && auto-deploy.sh"
	[ "$(versions)" = "1.0.0 1.0.0 1.0.0" ]
}

@test "the pipeline, and a stick where there is no link" {
	cp "$BATS_FILE_TMPDIR/good.pub" "$SYSTEM/root/robots/cosign.pub"
	# on a machine without a site's settings
	mv "$SYSTEM/etc/gantry/gantry.conf" "$SYSTEM/root"
	run -0 typed "$(block "The pipeline" 1)"
	[[ $output == *"localhost:5000/acme/robot-app:1.0.1@sha256:"* ]] || [[ $output == *"localhost:5000/robot-app:1.0.1@sha256:"* ]]
	mkdir -p "$SYSTEM/media/stick"
	run -0 typed "$(block "The pipeline" 2)"
	[[ $output == *"copied oci-archive:/media/stick/robot-app.tar:1.0.2@sha256:"* ]]
	mv "$SYSTEM/root/gantry.conf" "$SYSTEM/etc/gantry"
}

@test "a container in place of the first line of cron" {
	[ "$(block "From a clone to an updated fleet" 8 | wc -l)" = 3 ]
	typed "$(block "From a clone to an updated fleet" 8)"
	logged() { docker logs registry-sync 2>&1 | grep -q sync-images.sh; }
	wait_for 20 logged
	[ "$(docker inspect -f '{{.State.Status}}' registry-sync)" = running ]
}

@test "monitoring: its settings, and no start before they are filled in" {
	run typed "$(block Monitoring 1)"
	[ "$status" != 0 ]
	[[ $output == *"set it in monitoring.env"* ]]
	[ "$(stat -c %a "$SYSTEM/etc/gantry/monitoring.env")" = 600 ]
}
