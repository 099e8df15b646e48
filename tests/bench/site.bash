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

# site_other: the other one of the versions 0.0.1 and 0.0.2 than robot 1 runs, as REPO@DIGEST.
site_other() {
	local runs
	runs=$(docker inspect -f '{{index .Config.Image}}' robot-service-1)
	if [ "$runs" = "$(site_image 0.0.1)" ]; then site_image 0.0.2; else site_image 0.0.1; fi
}

# site_pins IMAGE N...: the pins with this image for these robots, in $SITE/bench.env.
site_pins() {
	local image=$1 n
	shift
	cp "$SITE/state/robots.env" "$SITE/bench.env"
	for n; do
		sed -i "s#^ROBOT_SERVICE_${n}_IMAGE=.*#ROBOT_SERVICE_${n}_IMAGE=$image#" "$SITE/bench.env"
	done
}

# site_up_again ENV-FILE N: compose makes robot N anew with these pins, whatever it believes to run.
site_up_again() {
	site_compose "$1" up -d --no-deps --force-recreate "robot-service-$2"
}

# site_healthy N: until robot N is.
site_healthy() {
	healthcheck -q --wait 60 -i 0.05 "http://127.0.0.1:$((${GANTRY_PORT:-5000} + $1))/health" >/dev/null
}

# site_load FILE: fifty busy connections to robot 1, ten of them new for each request; what they got
# comes to FILE.
site_load() {
	"$B/helpers/load" -k 40 -f 10 -p 0.01 \
		"http://127.0.0.1:$((${GANTRY_PORT:-5000} + 1))/health" >"$1" 2>/dev/null &
	LOAD=$!
}

# site_lost FILE: end the load; LOST is how many of its requests got no good answer, GAP for how many
# milliseconds nobody got one.
# shellcheck disable=SC2034 # the benchmarks read them
site_lost() {
	kill -INT "$LOAD"
	wait "$LOAD" || true
	LOST=$(awk '{ print $4 }' "$1")
	GAP=$(awk '{ print $6 }' "$1")
}
