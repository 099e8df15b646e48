# A site for the tests of the scripts, loaded after helpers/common and helpers/image: keys, releases
# in a remote registry, and a configuration.

# make_key NAME: NAME.pem and NAME.pub in $BATS_FILE_TMPDIR.
make_key() {
	image_key "$BATS_FILE_TMPDIR/$1" P-256
}

# put ARCHIVE VERSION KEY|'': the archive on the remote registry, signed.
put() {
	local ref
	ref=$("$ROOT/scripts/push-image.sh" "$1" "$REGISTRY_REMOTE/robot-app:$2")
	[ -z "$3" ] || "$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/$3.pem" "$ref" >/dev/null
}

# publish VERSION KEY|'': an image that nothing can run.
publish() {
	image_archive "$BATS_TEST_TMPDIR/$1.tar" "$1" >/dev/null
	put "$BATS_TEST_TMPDIR/$1.tar" "$1" "$2"
}

# release VERSION [KEY [BUILD OPTION...]]: a robot that runs.
release() {
	local version=$1 key=${2-good}
	shift $(($# > 1 ? 2 : 1))
	"$ROOT/scripts/build-image.sh" "$version" --output "$BATS_FILE_TMPDIR/$version.tar" "$@" >/dev/null
	put "$BATS_FILE_TMPDIR/$version.tar" "$version" "$key"
}

# site_conf FILE [LINE...]: a configuration of the two registries.
site_conf() {
	local file=$1 n
	shift
	{
		echo "REMOTE_IMAGE=$REGISTRY_REMOTE/robot-app"
		echo "REGISTRY_URL=$REGISTRY_LOCAL"
		echo "VERIFY_KEY='$BATS_FILE_TMPDIR/good.pub'"
		echo "STATE_DIR='${file%/*}/state'"
		echo "PINS_FILE='${file%/*}/robots.env'"
		echo "HEALTH_CHECK_TIMEOUT=8"
		echo "HEALTH_CHECK_INTERVAL=1"
		echo "SOAK=1"
		printf '%s\n' "$@"
	} >"$file"
}

# bring: everything that is signed comes to the local registry.
bring() {
	"$ROOT/scripts/sync-images.sh" -c "$1" -q
}

# start_fleet VERSION: an engine, two registries, and three robots at that release.  For files that
# load helpers/engine; sets CONF.
start_fleet() {
	start_site
	make_key good
	make_key stranger
	start_registry remote
	start_registry local
	export CONF=$BATS_FILE_TMPDIR/gantry.conf
	site_conf "$CONF"
	release "$1"
	bring "$CONF"
	"$ROOT/scripts/manage-services.sh" -c "$CONF" start-robots
	healthcheck -q --wait 20 -i 0.2 http://localhost:500{1,2,3}/health >/dev/null
}

stop_fleet() {
	stop_site
	stop_all
}

# versions: what the three robots say they are.
versions() {
	local n
	for n in 1 2 3; do
		curl -fsS -m 5 "http://localhost:500$n/health" | jq -r .version
	done | xargs
}

# registry_image [NAME]: an image of the local registry's program, made of what Debian installed.
registry_image() {
	local dir=$BATS_FILE_TMPDIR/registry-image file
	mkdir -p "$dir/etc" "$dir/var/lib/registry"
	for file in "$(command -v docker-registry)" $(ldd "$(command -v docker-registry)" |
		grep -o '/[^ ]*'); do
		install -D "$(readlink -f "$file")" "$dir$file"
	done
	cat >"$dir/etc/registry.yml" <<-YML
		version: 0.1
		storage: {filesystem: {rootdirectory: /var/lib/registry}}
		http: {addr: ":5000"}
	YML
	tar -C "$dir" -c . | docker import -c 'ENTRYPOINT ["docker-registry", "serve", "/etc/registry.yml"]' \
		-c 'ENV PATH=/usr/bin' - "${1:-gantry-test/registry:1}" >/dev/null
}
