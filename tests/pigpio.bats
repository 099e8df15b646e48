#!/usr/bin/env bats
# Robots at the other end of a network: what pigpiod is told, and what it does when we are gone.
# helpers/pigpiod is the robot's side.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	unset PORT LOG_DIR GANTRY_HANDOVER GANTRY_INSTANCE ROBOT_TOKEN ROBOT_TOKEN_FILE ROBOT_HOSTS
	export BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
	mkdir pi
	PI_PORT=$(free_port)
	cat >robots.json <<-JSON
		{"robots": [{"name": "linus", "backend": "pigpio", "host": "127.0.0.1", "port": $PI_PORT,
		  "motors": [13, 21, 17, 27], "enables": [12, 26], "eye": 16, "servos": [22, 23]}]}
	JSON
}

teardown() {
	stop_all
}

start_pi() {
	"$B/helpers/pigpiod" "$PI_PORT" pi 3>&- &
	PI=$!
	echo $PI >>pids
}

# serve NAME: an instance of that name; SOCK and PID are set.
serve() {
	SOCK=$PWD/$1.sock
	GANTRY_SOCKET=$SOCK robot-serve -c robots.json --listen "127.0.0.1:${GANTRY_PORT:-0}" \
		>"$1.out" 2>"$1.err" 3>&- &
	PID=$!
	echo $PID >>pids
	wait_for 10 test -s "$1.out"
}

state() { # JQ
	curl -s --unix-socket "$SOCK" http://robot/api/robots/linus | jq -e "$1"
}

# post COMMAND BODY: on a busy machine it may be on its way a little longer than it is waited for.
post() {
	local status before
	before=$(wc -l 2>/dev/null <pi/log || echo 0)
	status=$(send "$@")
	if [ "$status" = 202 ]; then
		grown() { [ "$(wc -l <pi/log)" -gt "$before" ]; }
		wait_for 1 grown || true # not all that is asked for changes a line
	fi
	echo "${status/202/200}"
}

send() { # COMMAND BODY
	curl -s -o body -w '%{http_code}' --unix-socket "$SOCK" -H 'Content-Type: application/json' -d "$2" \
		"http://robot/api/robots/linus/$1"
}

health() {
	curl -s -o body -w '%{http_code}' --unix-socket "$SOCK" http://robot/health
}

# says TEXT: all of that since the last time, without leases and what the script itself did.
says() {
	local n seen
	seen=$(cat seen 2>/dev/null || echo 0)
	n=$(wc -l <pi/log)
	[ "$(sed -n "$((seen + 1)),${n}p" pi/log | grep -vE '^(PROC|SCRIPT)' | paste -sd,)" = "$1" ] || return 1
	echo "$n" >seen
}

# The robot is reached, and its script has found no lease for the first time.
reached() {
	grep -q '^SCRIPT pwm 26 0' pi/log && state .ok
}

are() { # VALUES LINE...
	local want=$1 line value
	shift
	for line in "$@"; do
		read -r value <"pi/$line" || true
		[ "$value" = "${want%% *}" ] || return 1
		want=${want#* }
	done
}

DRIVE='{"direction":"forward","ttl_ms":2000}'

@test "outputs are set up as gpiozero does it, and a script for the lease is stored" {
	start_pi
	serve a
	wait_for 5 state .ok
	wait_for 5 says "MODES 13 1,WRITE 13 0,MODES 21 1,WRITE 21 0,MODES 17 1,WRITE 17 0,MODES 27 1,WRITE 27 0,MODES 12 1,WRITE 12 0,PFS 12 100,PRS 12 10000,PWM 12 0,MODES 26 1,WRITE 26 0,PFS 26 100,PRS 26 10000,PWM 26 0,MODES 16 1,WRITE 16 0,MODES 22 1,WRITE 22 0,PFS 22 50,PRS 22 10000,PWM 22 0,MODES 23 1,WRITE 23 0,PFS 23 50,PRS 23 10000,PWM 23 0"
	[ "$(grep '^PROC ' pi/log)" = "PROC tag 1 mils 50 dcr p0 jp 1 w 13 0 w 21 0 w 17 0 w 27 0 pwm 12 0 pwm 26 0 tag 2 mils 50 lda p0 cmp 1 jm 2 jmp 1" ]
	grep -qx 'PROCR 0' pi/log
}

@test "commands become the requests and duty cycles of gpiozero" {
	start_pi
	serve a
	wait_for 5 reached
	wc -l <pi/log >seen
	becomes() { # COMMAND BODY WHAT-IS-SAID
		[ "$(post "$1" "$2")" = 200 ]
		wait_for 5 says "$3"
	}
	go() { send drive "$(cat ../way)"; }
	echo "$DRIVE" >way
	keep_on go
	wait_for 5 says "WRITE 13 1,WRITE 17 1,PWM 12 10000,PWM 26 10000"
	becomes speed '{"left":0.5,"right":0.333}' "PWM 12 5000,PWM 26 3330"
	echo '{"direction":"left","ttl_ms":2000}' >way
	wait_for 5 says "WRITE 13 0,WRITE 21 1"
	let_go
	becomes stop '' "WRITE 21 0,WRITE 17 0,PWM 12 0,PWM 26 0"
	becomes eye '{"state":"on"}' "WRITE 16 1"
	for pulse in -90:500 -45:625 0:750 45:875 90:1000; do
		becomes servo '{"servo":1,"angle":'"${pulse%:*}"'}' "PWM 23 ${pulse#*:}"
	done
}

@test "the bytes are those of the protocol" {
	start_pi
	serve a
	wait_for 5 state .ok
	post speed '{"left":0.5,"right":1}' >/dev/null
	post drive "$DRIVE" >/dev/null
	od -An -v -tx1 pi/raw | tr -d ' \n' >all
	grep -q 000000000d0000000100000000000000 all   # MODES 13 1
	grep -q 07000000160000003200000000000000 all   # PFS 22 50
	grep -q 060000000c0000001027000000000000 all   # PRS 12 10000
	grep -q 050000000c0000008813000000000000 all   # PWM 12 5000
	grep -q 040000000d0000000100000000000000 all   # WRITE 13 1
	# PROCU 0 with 42 ticks of 50 ms, 2000 ms and a bit, of which some may be over
	grep -qE '75000000000000000000000004000000(2[0-9a]|1[0-9a-f])000000' all
	# PROC, with as many bytes as its text has
	grep -q "260000000000000000000000$(printf '%02x' "$(sed -n 's/^PROC //p' pi/log | tr -d '\n' | wc -c)")000000$(printf 'tag 1 mils' | od -An -tx1 | tr -d ' ')" all
}

@test "answers may come in parts" {
	touch pi/parts
	start_pi
	serve a
	wait_for 10 state .ok
	keep_on send drive "$DRIVE"
	wait_for 5 are '1 0 1 0' 13 21 17 27
}

@test "kill -9 of the server: the robot's own lease stops the motors" {
	start_pi
	serve a
	wait_for 5 reached
	: >pi/log
	post eye '{"state":"on"}'
	keep_on send drive "$DRIVE"
	wait_for 5 are '1 1 10000' 13 17 12
	kill -9 "$PID"
	wait_for 5 are '0 0 0 0 0 0' 13 21 17 27 12 26
	grep -qx 'SCRIPT pwm 26 0' pi/log
	# the next instance takes away what the killed one has left, and starts at 0
	let_go
	are 1 16
	serve b
	wait_for 5 state .ok
	are 0 16
	grep -qx 'PROCS 0' pi/log
	grep -qx 'PROCD 0' pi/log
	[ "$(grep -c '^PROC ' pi/log)" = 1 ]
}

@test "a lease that is renewed is not ended, and the next one counts anew" {
	start_pi
	serve a
	wait_for 5 reached
	: >pi/log
	keep_on send drive "$DRIVE"
	sleep 2.5
	run ! grep -q '^SCRIPT' pi/log
	are '1 1' 13 17
	let_go
	wait_for 5 are '0 0' 13 17
	wait_for 5 grep -q '^SCRIPT' pi/log
	[ "$(post drive "$DRIVE")" = 200 ]
	wait_for 5 are '1 1' 13 17
}

@test "TERM: the robot stands still, and nothing stays in pigpiod" {
	start_pi
	serve a
	wait_for 5 state .ok
	post drive "$DRIVE"
	post eye '{"state":"on"}'
	kill -TERM "$PID"
	wait "$PID"
	are '0 0 0 0 0 0 0' 13 21 17 27 12 26 16
	[ "$(tail -n 2 pi/log | paste -sd,)" = "PROCS 0,PROCD 0" ]
}

@test "a robot out of reach is degraded, not unhealthy, and refuses in words; it is found when it comes" {
	serve a
	unreachable() { [ "$(health)" = 200 ] && jq -e '.status == "degraded" and .problems == ["pigpiod at '"'127.0.0.1' port $PI_PORT"': Connection refused"]' body; }
	wait_for 5 unreachable
	[ "$(post drive "$DRIVE")" = 503 ]
	jq -e '.error == "pigpiod at '"'127.0.0.1' port $PI_PORT"': Connection refused"' body
	state '.moving == false and .ok == false'
	said() { [ "$(grep -c "$1" a.err)" = "$2" ]; }
	wait_for 5 said "warning: robot 'linus' cannot be driven: pigpiod at '127.0.0.1' port $PI_PORT: Connection refused" 1
	start_pi
	wait_for 5 state .ok
	wait_for 5 said "robot 'linus' can be driven" 1
	[ "$(health)" = 200 ]
	jq -e '.status == "healthy"' body
	[ "$(post drive "$DRIVE")" = 200 ]
	# and lost, and found again: at rest
	kill -9 "$PI"
	gone() { ! state .ok; }
	wait_for 5 gone
	start_pi
	wait_for 5 state .ok
	are '0 0 0 0 0 0' 13 21 17 27 12 26
	curl -s --unix-socket "$SOCK" http://robot/api/stop -X POST | jq -e 'all(.moving == false)'
}

@test "a pigpiod that does not answer delays nobody else" {
	start_pi
	serve a
	wait_for 5 state .ok
	touch pi/mute
	# on its way, or already known to be lost
	[[ $(send drive "$DRIVE") =~ 202|503 ]]
	[ "$(health)" = 200 ]
	lost() { health && jq -e '.status == "degraded" and (.problems[0] | endswith("wait for pigpiod: Connection timed out"))' body; }
	wait_for 5 lost
	kill -TERM "$PID"
	wait "$PID"
}

@test "what pigpiod refuses is told" {
	touch pi/refuse
	start_pi
	serve a
	refused() { health && jq -e '.status == "degraded" and .problems == ["pigpiod at '"'127.0.0.1'"' refuses command 0 for 13: error -41"]' body; }
	wait_for 5 refused
	rm pi/refuse
	touch pi/full
	full() { health && jq -e '.problems == ["pigpiod at '"'127.0.0.1'"' does not store a script: error -57"]' body; }
	wait_for 5 full
	rm pi/full
	wait_for 5 state .ok
}

@test "handover: one instance at a time speaks to the robot" {
	export GANTRY_HANDOVER=1 GANTRY_PORT
	GANTRY_PORT=$(free_port)
	start_pi
	serve a
	local a=$PID
	wait_for 5 state .ok
	keep_on send drive "$DRIVE"
	wait_for 5 are '1 1' 13 17
	serve b
	local b=$PID
	kill -USR1 "$b"
	wait_for 5 grep -q '^serving' b.out
	held() { health && jq -e '.status == "degraded" and .problems == ["'"'linus'"' is held by another instance"]' body; }
	wait_for 5 held
	are '1 1' 13 17
	let_go
	kill -USR2 "$a"
	wait_for 5 state .ok
	are '0 0' 13 17
	[ "$(post drive "$DRIVE")" = 200 ]
	wait_for 5 are '1 1' 13 17
}

@test "our bytes are those of gpiozero, and pigs understands our robot's side" {
	local python=/usr/bin/python3 ours
	"$python" -c 'import gpiozero, pigpio' 2>/dev/null || skip "no gpiozero here"
	# frames LINE [COMMAND]: what was said about a line, without making it an input first
	frames() {
		grep -iE "^${2:-..}000000$(printf '%02x' "$1")000000" pi/frames |
			grep -vE '^0[02]000000..00000000000000'
	}
	start_pi
	serve a
	wait_for 5 reached
	keep_on send drive "$DRIVE"
	wait_for 5 are '1 10000' 13 12
	for speed in 0.5 0.333 0.29 0.07 1; do
		post speed '{"left":'$speed',"right":1}'
	done
	let_go
	post stop ''
	for angle in -90 -45 -33.3 0 17 45 71.5 90; do
		[ "$(post servo '{"servo":1,"angle":'$angle'}')" = 200 ]
	done
	ours=$(frames 13 && frames 12 && frames 23 05)
	[ "$(wc -l <<<"$ours")" -gt 20 ]
	kill "$PID"
	wait "$PID"
	rm pi/frames
	"$python" - "$PI_PORT" <<-'PY'
		import sys
		from gpiozero import AngularServo, DigitalOutputDevice, PWMOutputDevice
		from gpiozero.pins.pigpio import PiGPIOFactory
		pi = PiGPIOFactory(host="127.0.0.1", port=int(sys.argv[1]))
		motor = DigitalOutputDevice(13, pin_factory=pi)
		enable = PWMOutputDevice(12, frequency=100, pin_factory=pi)
		arm = AngularServo(23, initial_angle=None, min_angle=-90, max_angle=90, pin_factory=pi)
		motor.on()
		for enable.value in (1, 0.5, 0.333, 0.29, 0.07, 1, 0):
		    pass
		motor.off()
		for arm.angle in (-90, -45, -33.3, 0, 17, 45, 71.5, 90):
		    pass
		sys.stdout.flush()
		import os
		os._exit(0)
	PY
	# before its first pulse gpiozero says 0 twice
	diff <(echo "$ours") <(frames 13 && frames 12 && frames 23 05 | sed 1d)
	[ "$(PIGPIO_PORT=$PI_PORT pigs gdc 23)" = 1000 ]
}
