# A site to measure on: the demo's, in a folder of its own.  Sourced by the benchmarks that need it.

SITE=$B/bench/site
export DEMO_DIR=$SITE
export CONF=$SITE/gantry.conf

# site_up: once a run of tests/bench/run, taken away at its end.
site_up() {
	[ ! -f "$SITE/up" ] || return 0
	mkdir -p "$B/bench"
	if ! scripts/demo.sh start >"$B/bench.log" 2>&1; then
		tail -n 20 "$B/bench.log" >&2
		return 1
	fi
	trap 'scripts/demo.sh stop >/dev/null' EXIT
	: >"$SITE/up"
	DOCKER_HOST=$(cat "$SITE/engine.host")
	export DOCKER_HOST
	PROJECT=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.project"}}' robot-holder-1)
	for n in 1 2 3; do
		export "ROBOT_${n}_PORT=$((${GANTRY_PORT:-5000} + n))"
	done
}

# site_compose ENV-FILE ARGUMENT...: the site's compose file with these pins.
site_compose() {
	local env=$1
	shift
	set -- -p "$PROJECT" -f compose/docker-compose.robots.yml --env-file "$env" "$@"
	export COMPOSE_PROJECT_NAME=$PROJECT
	if docker compose version >/dev/null 2>&1; then
		docker compose "$@"
	else
		docker-compose "$@"
	fi
}

# REPO@DIGEST of a version at the site's registry.
site_image() {
	reg-sync --list "localhost:${GANTRY_PORT:-5000}/robot-app:$1" | sed 's/:[^:@/]*@/@/'
}

# site_load FILE: fifty busy connections to robot 1 until wrk is interrupted; its words in FILE.
site_load() {
	wrk -t 2 -c 50 -d 600 "http://127.0.0.1:$((${GANTRY_PORT:-5000} + 1))/health" >"$1" 2>&1 &
	LOAD=$!
}

# site_lost FILE: end the load; LOST is how many of its requests got no good answer.
site_lost() {
	kill -INT "$LOAD"
	wait "$LOAD" || true
	# shellcheck disable=SC2034 # the benchmarks read it
	LOST=$(awk '/Socket errors:/ { gsub(",", ""); n += $4 + $6 + $8 + $10 }
		/Non-2xx or 3xx/ { n += $NF } END { print n + 0 }' "$1")
}
