#!/usr/bin/env bats
# Real lines: robot-serve in a virtual machine whose kernel simulates GPIO chips and a PWM chip, with
# this release's kernel and libgpiod.  Each test is one script in the machine.

setup_file() {
	load helpers/common
	load helpers/vm
	start_vm
}

setup() {
	load helpers/common
	load helpers/vm
}

teardown_file() {
	load helpers/common
	stop_all
}

LINUS='13 21 17 27 12 26 16 22 23'

@test "every direction is seen on the lines of the chip with that label; stop takes it off" {
	run -0 vm 'two_robots; serve a; get a /health
		for way in forward backward left right; do
			drive a linus $way; lines 13 21 17 27 12 26
		done
		for way in north south west east; do
			drive a torvalds $way; lines 7 8 9 10
		done
		post a /api/robots/linus/eye "{\"state\":\"on\"}"; lines 16 25
		post a /api/stop ""; lines 13 21 17 27 12 26 7 8 9 10 16'
	echo "$output"
	[ "$(xargs <<<"$output")" = "200 200 101011 200 010111 200 011011 200 100111 200 0110 200 1001 200 1010 200 0101 200 10 200 00000000001" ]
}

@test "lines are outputs at 0 from the start, and the kernel knows whose they are" {
	run -0 vm 'two_robots; serve a; holders 13 22 7 25; lines '"$LINUS"' 7 8 9 10 25'
	echo "$output"
	[ "$(xargs <<<"$output")" = "linus out lo linus out lo torvalds out lo torvalds out lo 00000000000000" ]
}

@test "the dead-man takes real lines down, and so does the guard of a server that hangs" {
	run -0 vm 'two_robots; serve a
		post a /api/robots/linus/drive "{\"direction\":\"forward\",\"ttl_ms\":400}"; lines 13 21 17 27 12 26
		wait_for are 000000 13 21 17 27 12 26
		post a /api/robots/linus/drive "{\"direction\":\"left\",\"ttl_ms\":400}"; lines 13 21 17 27 12 26
		kill -STOP $(pid a)
		wait_for are 000000 13 21 17 27 12 26
		holders 13'
	echo "$output"
	[ "$(xargs <<<"$output")" = "200 101011 200 011011 linus out lo" ]
}

@test "kill -9 of the server: its guards take the lines down and let go" {
	run -0 vm 'two_robots; serve a; drive a linus forward; drive a torvalds forward; lines 13 21 8 9
		guards a | wc -l
		kill -9 $(pid a)
		wait_for are 0000000000000 13 21 17 27 12 26 16 22 23 7 8 9 10
		wait_for no_guards
		holders 13 7
		serve b; drive b linus backward; lines 13 21'
	echo "$output"
	[ "$(xargs <<<"$output")" = "200 200 1011 2 200 01" ]
}

@test "kill -9 of a guard: the kernel lets go, and the lines are taken anew at 0" {
	run -0 vm 'two_robots; serve a; drive a linus forward; lines 13
		kill -9 $(guards a)
		wait_for are 000000 13 21 17 27 12 26
		wait_for drives a
		holders 13; drive a linus forward; lines 13'
	echo "$output"
	[ "$(xargs <<<"$output")" = "200 1 linus out lo 200 1" ]
}

@test "TERM takes the lines down before it ends" {
	run -0 vm 'two_robots; serve a; drive a linus forward; lines 13 17
		kill $(pid a)
		wait_for no_guards
		lines 13 17 12 26; holders 13'
	echo "$output"
	[ "$(xargs <<<"$output")" = "200 11 0000" ]
}

@test "a line has one holder: a second server, and whoever else, is named" {
	run -0 vm 'two_robots; serve a; drive a linus forward
		serve b --listen 127.0.0.1:5001
		get b /health; body -r ".status, .problems[]"; drive b linus backward; body -r .error; lines 13 21
		kill $(pid a) $(pid b)
		wait_for no_guards
		base=$(sed -n "s/^gpiochip[0-9]*: GPIOs \([0-9]*\)-.*pinctrl-robot.*/\1/p" /sys/kernel/debug/gpio)
		echo $((base + 16)) >/sys/class/gpio/export
		serve c; get c /health; body -r ".problems[]"
		drive c torvalds north
		echo $((base + 16)) >/sys/class/gpio/unexport
		wait_for healthy c; drive c linus forward; lines 13'
	echo "$output" >&2
	[ "$output" = "200
200
degraded
line 13 of 'pinctrl-robot' is held by 'linus'
line 7 of 'pinctrl-robot' is held by 'torvalds'
503
line 13 of 'pinctrl-robot' is held by 'linus'
10
200
line 16 of 'pinctrl-robot' is held by 'sysfs'
200
200
1" ]
}

@test "handover: USR1 and USR2 leave every line one holder, and at 0 in between" {
	run -0 vm 'two_robots; export GANTRY_HANDOVER=1
		serve a; serve b; guards b | wc -l
		drive a linus forward; drive b linus backward; lines 13 21
		kill -USR1 $(pid b)
		wait_for grep -q ^serving /run/b.out
		drive a linus forward; guards a | wc -l; wait_for unguarded b; lines 13 21
		kill -USR2 $(pid a)
		wait_for drives b
		guards a | wc -l; guards b | wc -l; lines 13 21 17 27 12 26; holders 13
		drive b linus backward; lines 13 21
		kill -USR1 $(pid a)
		kill -USR2 $(pid b)
		wait_for drives a
		guards a | wc -l; guards b | wc -l; lines 13 21 17 27 12 26; drive a linus forward; lines 13 21'
	echo "$output"
	[ "$(xargs <<<"$output")" = "0 200 503 10 200 2 10 0 2 000000 linus out lo 200 01 2 0 000000 200 10" ]
}

@test "speed is a duty cycle on the enable's line" {
	run -0 vm 'two_robots; serve a
		post a /api/robots/linus/speed "{\"left\":0.25,\"right\":1}"
		drive a linus forward
		i=0
		while [ $i -lt 300 ]; do
			read -r x <$values/sim_gpio12/value; echo line $x
			i=$((i + 1))
		done
		lines 26'
	[ "$(head -n 2 <<<"$output" | xargs) $(tail -n 1 <<<"$output")" = "200 200 1" ]
	local on
	on=$(grep -c '^line 1' <<<"$output")
	echo "on: $on of 300"
	((on > 30 && on < 150))
	# up and down again several times
	[ "$(grep '^line' <<<"$output" | uniq | wc -l)" -ge 4 ]
}

@test "a PWM channel: period and duty of servo and enable; 0, off and given back however the server ends" {
	run -0 vm 'fresh <<-JSON
			{"robots": [{"name": "linus", "backend": "gpiod", "chip": "pinctrl-robot",
			 "motors": [13, 21, 17, 27], "servos": [22, {"pwmchip": 0, "channel": 1}]}]}
		JSON
		channel() { (cd /sys/class/pwm/pwmchip0/pwm$1 && cat period duty_cycle enable polarity); }
		gone() { [ ! -e /sys/class/pwm/pwmchip0/pwm1 ]; }
		serve a; channel 1
		for angle in -90 0 90; do
			post a /api/robots/linus/servo "{\"servo\":1,\"angle\":$angle}"; channel 1
		done
		kill $(pid a)
		wait_for gone
		serve b
		post b /api/robots/linus/servo "{\"servo\":1,\"angle\":90}"
		kill -9 $(pid b)
		wait_for gone
		sed "s/.servos.*\]}\]/\"enables\": [{\"pwmchip\": 0, \"channel\": 1}, 26]}]/" /run/robots.json >/run/new
		mv /run/new /run/robots.json
		serve c
		post c /api/robots/linus/speed "{\"left\":0.5,\"right\":0}"
		drive c linus forward; channel 1
		kill -STOP $(pid c)
		still() { [ "$(cat /sys/class/pwm/pwmchip0/pwm1/duty_cycle)" = 0 ]; }
		wait_for still'
	echo "$output"
	[ "$(xargs <<<"$output")" = "20000000 0 1 normal 200 20000000 1000000 1 normal 200 20000000 1500000 1 normal 200 20000000 2000000 1 normal 200 200 200 10000000 5000000 1 normal" ]
}

@test "a chip that goes away is an error in words, and is found when it comes back" {
	run -0 vm 'two_robots; serve a
		echo 0 >$chip/live
		missing() { get a /health; body ".problems[0] == \"no GPIO chip '"'pinctrl-robot'"' on this machine\""; }
		wait_for missing; body -r .status
		drive a linus forward; drive a torvalds forward
		echo 1 >$chip/live
		wait_for healthy a
		values=/sys/devices/platform/$(cat $chip/dev_name)/$(cat $chip/bank0/chip_name)
		drive a linus forward; lines 13 21'
	echo "$output"
	[ "$(xargs <<<"$output")" = "unhealthy 503 503 200 10" ]
}
