# A site with a registry, signed robot images and robots; loaded after helpers/common and
# helpers/engine.  Ports are those of the real thing: registry 5000, robots 5001 to 5003.

# start_fleet N VERSION: registry, keys and N robots that run VERSION; sets CONF, STATE.
# That all works behind the engine's own filter, story.bats and readme.bats show.
start_fleet() {
	local i
	export IMAGE=127.0.0.1:5000/robot-app STATE=$BATS_FILE_TMPDIR/state ROBOTS=$1
	export CONF=$BATS_FILE_TMPDIR/gantry.conf PINS=$BATS_FILE_TMPDIR/pins.env
	export SITE_FILTER=${SITE_FILTER-none}
	start_site
	start_registry local 5000
	once key make_fleet_key
	cp "$KEPT/key/key.pem" "$KEPT/key/key.pub" "$BATS_FILE_TMPDIR"
	# shellcheck disable=SC2119
	write_conf
	release "$2"
	for ((i = 1; i <= ROBOTS; i++)); do
		start_robot "$i" "$2"
	done
}

stop_fleet() {
	stop_site
	stop_all
}

# write_conf [KEY=VALUE...]: the settings, these last.
# shellcheck disable=SC2120
write_conf() {
	local i
	{
		echo "REGISTRY_URL=127.0.0.1:5000"
		echo "VERIFY_KEY='$BATS_FILE_TMPDIR/key.pub'"
		printf 'ROBOT_CONTAINERS="'
		for ((i = 1; i <= ROBOTS; i++)); do printf 'robot-service-%d ' "$i"; done
		echo '"'
		echo "HEALTH_CHECK_TIMEOUT=8"
		echo "HEALTH_CHECK_INTERVAL=1"
		echo "SOAK=0"
		echo "STATE_DIR='$STATE'"
		echo "PINS_FILE='$PINS'"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$CONF"
}

# once NAME COMMAND...: the folder KEPT/NAME, which the first file of a run that wants it makes; the
# command fills the folder that is its last argument.
once() {
	local name=$1
	shift
	KEPT=${TESTS_TMP:-$BATS_RUN_TMPDIR}/kept
	mkdir -p "$KEPT"
	{
		flock 9
		if [ ! -d "$KEPT/$name" ]; then
			rm -rf "$KEPT/new.$name"
			mkdir "$KEPT/new.$name"
			"$@" "$KEPT/new.$name"
			mv "$KEPT/new.$name" "$KEPT/$name"
		fi
	} 9>"$KEPT/$name.lock"
}

make_fleet_key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1/key.pem"
	openssl ec -in "$1/key.pem" -pubout -out "$1/key.pub" 2>/dev/null
}

# release VERSION [BUILD OPTION...]: built, pushed and signed.  A run does that once for all its files:
# what a registry has of it then is put beside what the others have.
release() {
	local name
	name=release-$(printf '%s\n' "$@" | sha256sum | cut -c 1-32)
	once "$name" make_release "$@"
	ln -sf "$KEPT/$name/tar" "$BATS_FILE_TMPDIR/$1.tar"
	cp "$KEPT/$name/digest" "$BATS_FILE_TMPDIR/$1.digest"
	tar -C "$BATS_FILE_TMPDIR/local" -xf "$KEPT/$name/registry"
}

make_release() {
	local version=$1 dir=${*: -1} signed
	build_release "${@:1:$#-1}"
	"$ROOT/scripts/sign-image.sh" --key "$BATS_FILE_TMPDIR/key.pem" "$IMAGE@$(digest_of "$version")"
	mv "$BATS_FILE_TMPDIR/$version.tar" "$dir/tar"
	mv "$BATS_FILE_TMPDIR/$version.digest" "$dir/digest"
	signed=$(tr : - <"$dir/digest").sig
	# a registry's files have in their names whose they are
	{
		echo "/tags/$version/"
		tar -tf "$dir/tar" | grep -oE '[0-9a-f]{64}$'
		curl -fsS "${IMAGE/\//\/v2\/}/manifests/$signed" -D - \
			-H 'Accept: application/vnd.oci.image.manifest.v1+json' | grep -oE 'sha256:[0-9a-f]{64}' | cut -d: -f2
	} >"$dir/names"
	(cd "$BATS_FILE_TMPDIR/local" && find . -type f | grep -F -f "$dir/names" | tar -cf "$dir/registry" -T -)
}

build_release() {
	local version=$1
	shift
	"$ROOT/scripts/build-image.sh" --output "$BATS_FILE_TMPDIR/$version.tar" "$@" "$version" >/dev/null
	"$ROOT/scripts/push-image.sh" "$BATS_FILE_TMPDIR/$version.tar" "$IMAGE:$version" |
		sed 's/.*@//' >"$BATS_FILE_TMPDIR/$version.digest"
}

digest_of() {
	cat "$BATS_FILE_TMPDIR/$1.digest"
}

# start_robot N VERSION [OPTION...]: a holder with its port, and the robot in its network.
start_robot() {
	local n=$1 image
	image=$IMAGE@$(digest_of "$2")
	shift 2
	docker pull -q "$image" >/dev/null
	docker inspect "robot-holder-$n" >/dev/null 2>&1 ||
		"$GANTRY_TEST_ENGINE" run -d --name "robot-holder-$n" --restart always --no-healthcheck \
			--sysctl net.ipv4.tcp_migrate_req=1 -p "127.0.0.1:$((5000 + n)):5000" \
			"$image" robot-serve --hold >/dev/null
	"$GANTRY_TEST_ENGINE" run -d --name "robot-service-$n" --restart "$ROBOT_RESTART" --read-only \
		--network "container:robot-holder-$n" "${ROBOT_RUN[@]}" \
		-e "ROBOT_ID=robot-$n" --label site=test \
		--health-interval 5s --health-timeout 1s --health-start-period 1s \
		--health-retries 1 "$@" "$image" >/dev/null
	wait_for 10 healthy "$n"
}

# reset_fleet VERSION: every robot new at that version, and no memory of what was.
reset_fleet() {
	local i all
	all=$(docker ps -aq --filter name=robot-service)
	# shellcheck disable=SC2086
	[ -z "$all" ] || docker rm -f $all >/dev/null
	rm -rf "$STATE" "$PINS"
	for ((i = 1; i <= ROBOTS; i++)); do
		start_robot "$i" "$1"
	done
}

# start_load, end_load: clients ask every robot all the time; end_load fails if one got no answer.
# A hundred requests a second: handover.bats asks as fast as it goes.
start_load() {
	local i urls=()
	for ((i = 1; i <= ROBOTS; i++)); do urls+=("http://127.0.0.1:$((5000 + i))/health"); done
	"$B/helpers/load" -k 8 -f 4 -p 0.1 "${urls[@]}" >"$BATS_TEST_TMPDIR/load" 2>&1 3>&- &
	LOAD=$!
}

end_load() {
	kill -INT "$LOAD"
	wait "$LOAD" || true
	grep -E '^requests [1-9][0-9]* failed 0 ' "$BATS_TEST_TMPDIR/load" || {
		cat "$BATS_TEST_TMPDIR/load" >&2
		return 1
	}
}

healthy() {
	curl -fsS -m 5 "http://127.0.0.1:$((5000 + $1))/health"
}

version_of() {
	healthy "$1" | member version
}

# member NAME: the first text of that name in an object; quicker than jq, which takes a while to start.
member() {
	local text
	text=$(cat)
	[[ ! $text =~ \"$1\":\ ?\"([^\"]*)\" ]] || echo "${BASH_REMATCH[1]}"
}

# all_at VERSION: every robot answers with it, under its own name, with its restart policy, and
# nothing else is left.
all_at() {
	local i names version
	for ((i = 1; i <= ROBOTS; i++)); do
		version=$(version_of "$i")
		[ "$version" = "$1" ] || {
			echo "robot $i answers as '$version', not $1" >&2
			return 1
		}
		[[ $(ask_engine "containers/robot-service-$i/json") == *"\"RestartPolicy\":{\"Name\":\"$ROBOT_RESTART\""* ]] || {
			echo "robot $i has lost its restart policy" >&2
			return 1
		}
	done
	names=$(ask_engine 'containers/json?all=1' | grep -oE '"/[^"]*-(next|prev)"' || true)
	[ -z "$names" ] || {
		echo "left behind: $names" >&2
		return 1
	}
}

# told NAME: all that inspect tells, without what has to differ from container to container.
told() {
	docker inspect "$1" | jq -S '.[0] | .Id as $id
		| del(.Id, .Created, .State, .Image, .Name, .RestartCount, .ExecIDs, .GraphDriver, .LogPath,
			.ResolvConfPath, .HostnamePath, .HostsPath, .Config.Image, .Config.Labels["io.gantry.service"],
			.Config.Labels["io.gantry.tag"], .Config.Labels["org.opencontainers.image.version"])
		| .Config.Env |= (map(select(test("^(GANTRY_INSTANCE|GANTRY_IMAGE|APP_VERSION|EXTRA)=") | not)
				| select(. != "HOSTNAME=" + $id[:12]))
			| sort)
		| .Config.Hostname |= if . == $id[:12] then "its own id" else . end
		| .Mounts |= (map(if .Name // "" | test("^[0-9a-f]{64}$") then del(.Mode) else . end)
			| sort_by(.Destination))
		# a volume without a name is asked for by name the second time
		| .HostConfig.Binds |= ((. // []) | map(select(test("^[0-9a-f]{64}:") | not)) | sort)
		| .HostConfig.Mounts |= ((. // []) | map(select(.Type != "volume" or .Source != null)
			| select((.Source // "") | test("^[0-9a-f]{64}$") | not)))
		| .NetworkSettings |= {Networks: (.Networks // {} | map_values(
			(.IPAMConfig // {}) as $fixed | {Links: (.Links // []), DriverOpts: (.DriverOpts // {}),
				Aliases: ((.Aliases // []) - [$id[:12]] | sort), $fixed}
			+ if $fixed != {} then {IPAddress, MacAddress} else {} end))}'
}

# keeps COMMAND...: what inspect tells of robot-service-1 is the same before and after.
keeps() {
	told robot-service-1 >"$BATS_TEST_TMPDIR/before"
	run -0 "$@"
	told robot-service-1 >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# again OPTION... : robot 1 anew, with these options of docker run.
again() {
	docker rm -f robot-service-1 >/dev/null 2>&1 || true
	rm -rf "$STATE"
	"$GANTRY_TEST_ENGINE" run -d --name robot-service-1 "$@" >/dev/null
}
