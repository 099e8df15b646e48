#!/usr/bin/env bats
# Lines: what is on them, who holds them, and that they fall to 0 however their holder ends.  The
# lines are files here (helpers/gpiod), which stay as they are when they are let go of.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	export FAKE_GPIO=$BATS_TEST_TMPDIR/lines ASAN_OPTIONS=verify_asan_link_order=0
	mkdir -p lines/dev
	touch lines/dev/gpiochip-fake
	unset PORT LOG_DIR GANTRY_HANDOVER GANTRY_INSTANCE ROBOT_TOKEN ROBOT_TOKEN_FILE ROBOT_HOSTS
	export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	cat >robots.json <<-JSON
		{"robots": [
		  {"name": "linus", "backend": "gpiod", "chip": "fake", "motors": [13, 21, 17, 27],
		   "enables": [12, 26], "eye": 16, "servos": [22, 23]},
		  {"name": "torvalds", "backend": "gpiod", "chip": "fake", "motors": [7, 8, 9, 10], "eye": 25,
		   "drive": {"forward": [0,1,1,0], "backward": [1,0,0,1], "left": [1,0,1,0], "right": [0,1,0,1]}}]}
	JSON
}

teardown() {
	stop_all
}

# serve NAME [COMMAND...]: an instance of that name; URL, SOCK and PID are set.
serve() {
	local name=$1
	shift
	SOCK=$PWD/$name.sock
	GANTRY_SOCKET=$SOCK LD_PRELOAD=$B/helpers/lines.so "$@" robot-serve -c robots.json \
		--listen "127.0.0.1:${GANTRY_PORT:-0}" >"$name.out" 2>"$name.err" 3>&- 6>&- &
	PID=$!
	echo $PID >>pids
	wait_for 10 test -s "$name.out"
	URL=http://$(cut -d' ' -f2 "$name.out")
}

post() { # PATH BODY
	curl -s -o body -w '%{http_code}' --unix-socket "$SOCK" -H 'Content-Type: application/json' -d "$2" \
		"http://robot$1"
}

drive() { # ROBOT DIRECTION
	post "/api/robots/$1/drive" '{"direction":"'"$2"'","ttl_ms":2000}'
}

lines() { # NUMBER...: their values in one word
	local line value
	for line in "$@"; do
		read -r value <"lines/$line" || true
		printf %s "$value"
	done
}

are() { # VALUES NUMBER...
	local want=$1
	shift
	[ "$(lines "$@")" = "$want" ]
}

health() {
	curl -s -o body -w '%{http_code}' --unix-socket "$SOCK" http://robot/health
}

health_is_200() {
	[ "$(health)" = 200 ]
}

guards() { # the processes that hold lines for PID
	pgrep -P "$PID" -x robot-guard
}

LINUS='13 21 17 27 12 26 16 22 23'

@test "every direction puts its pattern on the lines, and stop takes it off" {
	serve a
	# shellcheck disable=SC2086
	are 000000000 $LINUS
	[ "$(cat lines/13.by) $(cat lines/7.by)" = "linus torvalds" ]
	for way in forward:1010 backward:0101 left:0110 right:1001; do
		[ "$(drive linus "${way%:*}")" = 200 ]
		are "${way#*:}11" 13 21 17 27 12 26
	done
	for way in north:0110 south:1001 west:1010 east:0101; do
		[ "$(drive torvalds "${way%:*}")" = 200 ]
		are "${way#*:}" 7 8 9 10
	done
	[ "$(post /api/robots/linus/eye '{"state":"on"}') $(lines 16 25)" = "200 10" ]
	[ "$(post /api/stop '')" = 200 ]
	are 000000 13 21 17 27 12 26
	are 00001 7 8 9 10 16
	[ "$(health)" = 200 ]
}

@test "the dead-man takes the lines down" {
	serve a
	[ "$(post /api/robots/linus/drive '{"direction":"forward","ttl_ms":100}')" = 200 ]
	wait_for 5 are 000000 13 21 17 27 12 26
	jq -e .moving body
}

@test "speed is a duty cycle: the line goes up and down" {
	serve a
	[ "$(post /api/robots/linus/speed '{"left":0.5,"right":0}')" = 200 ]
	# without enables, the motors' own lines
	[ "$(post /api/robots/torvalds/speed '{"left":0,"right":1}')" = 200 ]
	both() {
		drive linus forward
		drive torvalds forward
	}
	keep_on both
	wait_for 5 are 10100 13 21 17 27 26
	wait_for 5 are 1 12
	wait_for 5 are 0 12
	wait_for 5 are 1 12
	are 0010 7 8 9 10
}

@test "a servo gets pulses after its first command only" {
	serve a
	are 00 22 23
	post /api/robots/linus/servo '{"servo":0,"angle":90}'
	wait_for 5 are 1 22
	wait_for 5 are 0 22
	are 0 23
}

@test "kill -9 of the server: the guard takes all lines down and ends" {
	serve a
	post /api/robots/linus/eye '{"state":"on"}'
	drive torvalds forward
	drive linus forward
	wait_for 5 are 1010111 13 21 17 27 12 26 16
	held=$(guards)
	[ "$(wc -w <<<"$held")" = 2 ]
	kill -9 "$PID"
	# shellcheck disable=SC2086
	wait_for 5 are 000000000 $LINUS
	wait_for 5 are 0000 7 8 9 10
	for guard in $held; do
		wait_for 5 not_alive "$guard"
	done
	# and the next one finds them free
	serve b
	[ "$(drive linus forward) $(lines 13 21)" = "200 10" ]
}

@test "signals to the guard, and to its group, do not end it before the server" {
	serve a
	drive linus forward
	held=$(guards)
	for signal in TERM INT HUP USR1 PIPE; do
		# shellcheck disable=SC2086
		kill -$signal $held
	done
	[ "$(drive linus forward) $(lines 13 21)" = "200 10" ]
	[ "$(guards)" = "$held" ]
	for guard in $held; do
		[ "$(ps -o sid= -p "$guard" | tr -d ' ')" = "$guard" ]
	done
}

@test "a server that hangs: the guard ends what it was told to hold" {
	serve a
	[ "$(post /api/robots/linus/drive '{"direction":"forward","ttl_ms":300}')" = 200 ]
	kill -STOP "$PID"
	wait_for 5 are 000000 13 21 17 27 12 26
	kill -CONT "$PID"
	wait_for 5 health
	[ "$(drive linus forward) $(lines 13 21)" = "200 10" ]
}

@test "a guard that is killed: the robot stops, and its lines are taken anew at 0" {
	serve a
	drive linus forward
	drive torvalds forward
	held=$(guards)
	# shellcheck disable=SC2086
	kill -9 $held
	wait_for 5 are 000000 13 21 17 27 12 26
	wait_for 5 are 0000 7 8 9 10
	ok() { curl -s --unix-socket "$SOCK" http://robot/api/robots | jq -e 'all(.ok and (.moving | not))'; }
	wait_for 5 ok
	[ "$(guards | wc -l)" = 2 ]
	curl -s --unix-socket "$SOCK" http://robot/metrics | grep -q '^robot_gpio_errors_total{.*robot="linus"} 1$'
	[ "$(drive linus forward) $(lines 13 21)" = "200 10" ]
}

@test "a PWM channel that somebody left inverted is set to normal before it is used" {
	local map='' channel=$PWD/pwm/pwmchip0/pwm1
	[ "$(id -u)" = 0 ] || map=-r
	mkdir -p "$channel"
	touch pwm/pwmchip0/{export,unexport} "$channel"/{period,duty_cycle}
	echo 1 >"$channel/enable"
	echo inversed >"$channel/polarity"
	sed 's/"servos": \[22, 23\]/"servos": [22, {"pwmchip": 0, "channel": 1}]/' robots.json >other.json
	mv other.json robots.json
	# shellcheck disable=SC2016,SC2086
	serve a unshare $map -m sh -c 'mount -t tmpfs none /sys/class && mkdir /sys/class/pwm &&
		mount --bind pwm /sys/class/pwm && exec "$@"' sh
	[ "$(health)" = 200 ]
	[ "$(head -n 1 "$channel/polarity") $(cat "$channel/enable")" = "normal 1" ]
	kill "$PID"
	wait "$PID"
	# one that cannot be set is an error in words
	rm "$channel/polarity"
	# shellcheck disable=SC2016,SC2086
	serve b unshare $map -m sh -c 'mount -t tmpfs none /sys/class && mkdir /sys/class/pwm &&
		mount --bind pwm /sys/class/pwm && exec "$@"' sh
	[ "$(health)" = 503 ]
	jq -e '.problems == ["set channel 1 of pwmchip0 to normal polarity: No such file or directory"]' body
}

@test "a chip that goes while its robots stand still is unhealthy, and is found when it comes back" {
	serve a
	[ "$(health)" = 200 ]
	touch lines/gone
	gone() { [ "$(health)" = 503 ] && jq -e '.problems[0] == "no GPIO chip '"'fake'"' on this machine"' body; }
	wait_for 5 gone
	[ "$(drive linus forward)" = 503 ]
	rm lines/gone
	wait_for 5 health_is_200
	[ "$(drive linus forward) $(lines 13 21)" = "200 10" ]
}

@test "a kernel that hangs: /health and all else answer, and say so, while the motion loop waits" {
	local n
	for n in 0 1 2 3 4 5 6 7; do
		echo '{"name": "r'$n'", "backend": "gpiod", "chip": "fake",
			"motors": ['$((4 * n)),$((4 * n + 1)),$((4 * n + 2)),$((4 * n + 3))']}'
	done | jq -s '{robots: .}' >robots.json
	serve a
	[ "$(health)" = 200 ]
	touch lines/hang
	# shellcheck disable=SC2046
	kill -9 $(guards)
	# a turn of the loop takes 16 s now, and it holds a robot all the time
	stands() {
		[ "$(curl -s -m 5 -o body -w '%{http_code}' --unix-socket "$SOCK" http://robot/health)" = 503 ] &&
			jq -e '.problems[0] | test("^the motion loop has not turned for [0-9]+ s$")' body
	}
	wait_for 20 stands
	[ "$(curl -s -m 5 "$URL/api/robots" | jq length)" = 8 ]
	curl -s -m 5 "$URL/metrics" | grep -q '^robot_health_status{.*} 0$'
	# whoever is looked at just when the loop lets go of him is known to stand
	busy() { [ "$(curl -s -m 20 -o body -w '%{http_code}' "$URL/ready-for-update")" = 423 ]; }
	wait_for 20 busy
	rm lines/hang
	wait_for 20 health_is_200
}

@test "TERM takes the lines down before it ends" {
	serve a
	drive linus forward
	post /api/robots/linus/eye '{"state":"on"}'
	kill -TERM "$PID"
	wait "$PID"
	# shellcheck disable=SC2086
	are 000000000 $LINUS
}

@test "a line is never held by two: degraded while another has it, driven as soon as it is free" {
	serve a
	[ "$(health)" = 200 ]
	kill -9 "$PID"
	: >pids
	exec 6<>lines/16
	taken() { flock -n 6; }
	wait_for 5 taken
	printf thief >lines/16.by
	serve b
	[ "$(health)" = 200 ]
	jq -e '.status == "degraded" and .problems == ["line 16 of '"'fake'"' is held by '"'thief'"'"]' body
	[ "$(drive linus forward)" = 503 ]
	jq -e '.error | endswith("is held by '"'thief'"'")' body
	[ "$(drive torvalds forward)" = 200 ]
	exec 6>&-
	well() { [ "$(health)" = 200 ] && jq -e '.status == "healthy"' body; }
	wait_for 5 well
	[ "$(drive linus forward)" = 200 ]
}

@test "handover: the old one stops and lets go, then the new one holds; never both" {
	export GANTRY_HANDOVER=1 GANTRY_PORT
	GANTRY_PORT=$(free_port)
	serve a
	local a=$PID a_sock=$SOCK
	serve b
	local b=$PID
	[ "$(cut -d' ' -f1 b.out)" = standby ]
	# it does not even want the lines
	[ "$(health)" = 200 ]
	jq -e '.status == "healthy"' body
	[ -z "$(guards)" ]
	[ "$(drive linus forward)" = 503 ]
	jq -e '.error == "this instance does not drive now"' body
	SOCK=$a_sock keep_on drive linus forward
	wait_for 5 are 10 13 21
	kill -USR1 "$b"
	wait_for 5 grep -q '^serving' b.out
	# a holds them still, and drives on
	[ "$(health)" = 200 ]
	jq -e '.status == "degraded"' body
	are 10 13 21
	let_go
	kill -USR2 "$a"
	ok() { curl -s --unix-socket "$SOCK" http://robot/api/robots | jq -e 'all(.ok)'; }
	wait_for 5 ok
	are 00 13 21
	[ -z "$(pgrep -P "$a" -x robot-guard)" ]
	[ "$(PID=$b guards | wc -l)" = 2 ]
	[ "$(drive linus backward) $(lines 13 21)" = "200 01" ]
	# and back
	kill -USR1 "$a"
	kill -USR2 "$b"
	SOCK=$a_sock
	wait_for 5 ok
	are 00 13 21
}

@test "what is wrong here is unhealthy, in words" {
	sed 's/"fake"/"pinctrl-none"/' robots.json >other.json
	mv other.json robots.json
	serve a
	[ "$(health)" = 503 ]
	jq -e '.status == "unhealthy" and .problems[0] == "no GPIO chip '"'pinctrl-none'"' on this machine"' body
	[ "$(drive linus forward)" = 503 ]
	kill "$PID"
	sed 's/"pinctrl-none"/"fake"/; s/27/32/' robots.json >other.json
	mv other.json robots.json
	serve b
	[ "$(health)" = 503 ]
	jq -e '.problems == ["GPIO chip '"'fake'"' has no line 32"]' body
}

@test "a kernel that libgpiod 1 cannot speak to is said in words" {
	case "$(pkg-config --modversion libgpiod)" in 2.*) return 0 ;; esac
	touch lines/old-kernel
	serve a
	[ "$(health)" = 503 ]
	jq -e '.problems[0] | startswith("this kernel does not have the GPIO interface that libgpiod 1 speaks (CONFIG_GPIO_CDEV_V1)")' body
}

@test "as process 1 of a container: kill -9 of the server leaves the guard time to act" {
	local map='' server
	[ "$(id -u)" = 0 ] || map=-r
	# shellcheck disable=SC2086
	serve a unshare $map --pid --fork --kill-child
	drive linus forward
	are 10 13 21
	server=$(pgrep -P "$(pgrep -P "$PID")" -x robot-serve)
	kill -9 "$server"
	local status=0
	wait "$PID" || status=$?
	are 00 13 21
	[ "$status" = 137 ]
	serve b unshare $map --pid --fork --kill-child
	kill -TERM "$(pgrep -P "$PID")"
	wait "$PID"
}
