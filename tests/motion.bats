#!/usr/bin/env bats
# What moves: robots.json, the commands, who may give them, and what ends them.

setup() {
	load helpers/common
	cd "$BATS_TEST_TMPDIR" || return 1
	export GANTRY_SOCKET=$BATS_TEST_TMPDIR/r.sock ROBOT_ID=robot-1 APP_VERSION=1.2.3
	export GANTRY_UPDATE_LOCK=$BATS_TEST_TMPDIR/update.lock
	unset PORT LOG_DIR GANTRY_HANDOVER GANTRY_INSTANCE ROBOT_TOKEN ROBOT_TOKEN_FILE ROBOT_HOSTS
	BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
	stop_all
}

# serve [OPTION...]: on a free port; URL and PID are set when it answers.
serve() {
	rm -f out err
	robot-serve --listen 127.0.0.1:0 "$@" >out 2>err 3>&- &
	PID=$!
	echo $PID >>pids
	wait_for 10 test -s out
	URL=http://$(cut -d' ' -f2 out)
}

# post PATH BODY [CURL-OPTION...]: prints the status; body and header are files.
post() {
	local path=$1 body=$2
	shift 2
	curl -s -o body -D header -w '%{http_code}' -H 'Content-Type: application/json' \
		"$@" --data-binary "$body" "$URL$path"
}

get() { # PATH [CURL-OPTION...]
	local path=$1
	shift
	curl -s -o body -D header -w '%{http_code}' "$@" "$URL$path"
}

state() { # ROBOT JQ-EXPRESSION: is it true now?
	curl -s "$URL/api/robots/$1" | jq -e "$2"
}

metric() { # LINE-WITHOUT-VALUE
	curl -s "$URL/metrics" | grep -F "$1 " | sed 's/.* //'
}

LONG='"ttl_ms":2000'

# --- robots.json --------------------------------------------------------------------------------

@test "without a file there are Linus and Torvalds, simulated" {
	serve
	[ "$(get /api/robots)" = 200 ]
	grep -qi '^content-type: application/json' header
	jq -e '. == [
		{"name":"linus","moving":false,"direction":null,"speed":[1,1],"eye":"off","lit":false,
		 "servos":[null,null],"lease_ms":0,"backend":"sim","ok":true},
		{"name":"torvalds","moving":false,"direction":null,"speed":[1,1],"eye":"off","lit":false,
		 "servos":[],"lease_ms":0,"backend":"sim","ok":true}]' body
	[ "$(get /api/robots/Torvalds)" = 200 ]
	jq -e '.name == "torvalds"' body
}

@test "robots.json names the robots" {
	echo '{"robots":[{"name":"Arm-1","motors":[1,2,3,4],"servos":[5,6,{"pwmchip":0,"channel":1}]}]}' >r.json
	for option in -c --config; do
		serve $option r.json
		[ "$(get /api/robots)" = 200 ]
		jq -e 'map(.name) == ["Arm-1"] and .[0].servos == [null, null, null]' body
		[ "$(post /api/robots/arm-1/eye '{"state":"on"}')" = 404 ]
		jq -e '.error == "'"'Arm-1'"' has no eye"' body
		[ "$(post /api/robots/arm-1/servo '{"servo":3,"angle":0}')" = 404 ]
		jq -e '.error == "'"'Arm-1'"' has 3 servos"' body
		[ "$(curl -s -o body -w '%{http_code}' -X POST "$URL/north")" = 404 ]
		jq -e '.error == "there is only one robot"' body
		kill "$PID"
		wait "$PID"
	done
}

@test "the example of robots.json(5) is one" {
	sed -n '/^.Sh EXAMPLES/,/^.Ed/p' "$ROOT/man/robots.json.5" | sed -n '/^{/,/^]}/p' >r.json
	serve -c r.json --gpio sim
	[ "$(get /api/robots)" = 200 ]
	jq -e 'map(.name) == ["linus", "torvalds"]' body
}

@test "a wrong robots.json is 78, and file and field are named" {
	local good='"motors":[1,2,3,4]'
	bad() { # TEXT MESSAGE
		printf '%s' "$1" >r.json
		run --separate-stderr -78 robot-serve --listen 127.0.0.1:0 --config r.json
		[ "$stderr" = "robot-serve: 'r.json': $2" ]
	}
	bad '{"robots":[' "not JSON: line 1: ']' expected near end of file"
	bad '[]' "must be an object with 'robots', an array"
	bad '{"robots":[],"more":1}' "must be an object with 'robots', an array"
	bad '{"robots":[]}' "robots must be 1 to 8"
	bad '{"robots":[1]}' "robots[0] must be an object"
	bad '{"robots":[{"name":"a",'"$good"',"eyes":1}]}' "robots[0] has no field 'eyes'"
	bad '{"robots":[{'"$good"'}]}' "robots[0].name must be 1 to 31 letters, digits, '-' and '_'"
	bad '{"robots":[{"name":"a/b",'"$good"'}]}' "robots[0].name must be 1 to 31 letters, digits, '-' and '_'"
	bad '{"robots":[{"name":"a",'"$good"',"backend":"arduino"}]}' "robots[0].backend must be sim, gpiod or pigpio"
	bad '{"robots":[{"name":"a",'"$good"',"port":0}]}' "robots[0].port must be a number from 1 to 65535"
	bad '{"robots":[{"name":"a",'"$good"',"host":""}]}' "robots[0].host must be a text of 1 to 253 bytes"
	bad '{"robots":[{"name":"a",'"$good"',"backend":"gpiod"}]}' "robots[0].chip must name the chip's label for gpiod"
	bad '{"robots":[{"name":"a",'"$good"',"backend":"pigpio"}]}' "robots[0].host must name the robot's address for pigpio"
	bad '{"robots":[{"name":"a","motors":[1,2,3,40],"backend":"pigpio","host":"h"}]}' "robots[0].backend pigpio has lines from 0 to 31 only"
	bad '{"robots":[{"name":"a","motors":[1,2,3]}]}' "robots[0].motors must be an array of 4 outputs"
	bad '{"robots":[{"name":"a","motors":[1,2,3,-1]}]}' "robots[0].motors[3] must be a line from 0 to 1023"
	bad '{"robots":[{"name":"a","motors":[1,2,3,4294967297]}]}' "robots[0].motors[3] must be a line from 0 to 1023"
	bad '{"robots":[{"name":"a",'"$good"',"eye":{"pwmchip":0,"channel":0}}]}' "robots[0].eye must be a line, not a PWM channel"
	bad '{"robots":[{"name":"a",'"$good"',"enables":[{"pwmchip":0},6]}]}' "robots[0].enables[0] must have 'pwmchip' and 'channel', numbers from 0 to 63"
	bad '{"robots":[{"name":"a",'"$good"',"servos":[5,6,7,8,9]}]}' "robots[0].servos must be an array of 1 to 4 outputs"
	bad '{"robots":[{"name":"a",'"$good"',"eye":4}]}' "robots[0].motors and the other outputs: line 4 is used twice"
	bad '{"robots":[{"name":"a",'"$good"'},{"name":"A",'"$good"'}]}' "robots[1].name is the same as robots[0].name"
	bad '{"robots":[{"name":"a",'"$good"',"backend":"gpiod","chip":"c"},{"name":"b",'"$good"',"backend":"gpiod","chip":"c"}]}' "robots[1].motors and the other outputs: line 1 is used twice"
	bad '{"robots":[{"name":"a",'"$good"',"drive":{"forward":[1,0,1,0]}}]}' "robots[0].drive must have forward, backward, left and right"
	bad '{"robots":[{"name":"a",'"$good"',"drive":{"forward":[1,1,0,0],"backward":[0,0,0,0],"left":[0,0,0,0],"right":[0,0,0,0]}}]}' \
		"robots[0].drive.forward must not have both lines of one motor on"
	bad '{"robots":[{"name":"a",'"$good"',"drive":{"forward":[1,0,0],"backward":[0,0,0,0],"left":[0,0,0,0],"right":[0,0,0,0]}}]}' \
		"robots[0].drive.forward must be an array of 4 numbers"
	bad '{"robots":[{"name":"a",'"$good"',"drive":{"forward":[2,0,0,0],"backward":[0,0,0,0],"left":[0,0,0,0],"right":[0,0,0,0]}}]}' \
		"robots[0].drive.forward must have only 0 and 1"
	run --separate-stderr -78 robot-serve --listen 127.0.0.1:0 --config nosuch.json
	[ "$stderr" = "robot-serve: open 'nosuch.json': No such file or directory" ]
	head -c 70000 /dev/zero | tr '\0' ' ' >r.json
	run --separate-stderr -78 robot-serve --listen 127.0.0.1:0 --config r.json
	[[ $stderr == *"is larger than 65536 bytes" ]]
}

@test "--gpio wins over the file, and asks for what it needs" {
	run --separate-stderr -64 robot-serve --gpio arduino
	[ "${stderr_lines[0]}" = "robot-serve: --gpio must be sim, gpiod or pigpio, not 'arduino'" ]
	run --separate-stderr -78 robot-serve --listen 127.0.0.1:0 --gpio gpiod
	[ "$stderr" = "robot-serve: '--gpio': robots[0].chip must name the chip's label for gpiod" ]
	echo '{"robots":[{"name":"a","motors":[1,2,3,4],"backend":"gpiod","chip":"c"}]}' >r.json
	serve -c r.json --gpio sim
	state a '.backend == "sim" and .ok'
}

# --- commands -----------------------------------------------------------------------------------

@test "drive: every direction and its other name, with the state as the answer" {
	local way
	serve
	for way in forward:forward backward:backward left:left right:right north:forward south:backward west:left east:right; do
		[ "$(post /api/robots/linus/drive '{"direction":"'"${way%:*}"'",'"$LONG"'}')" = 200 ]
		jq -e '.name == "linus" and .moving and .direction == "'"${way#*:}"'" and
			.lease_ms > 0 and .lease_ms <= 2000' body
	done
	[ "$(metric 'robot_drive_commands_total{robot_id="robot-1",robot="linus",direction="left"}')" = 2 ]
	state torvalds '.moving | not'
}

@test "the dead-man: a drive command that is not repeated ends" {
	serve
	[ "$(post /api/robots/linus/drive '{"direction":"forward"}')" = 200 ]
	jq -e '.lease_ms > 0 and .lease_ms <= 500' body
	wait_for 5 state linus '.moving == false and .direction == null and .lease_ms == 0'
	[ "$(metric 'robot_deadman_stops_total{robot_id="robot-1",robot="linus"}')" = 1 ]
}

@test "the dead-man: a client that is killed while it drives" {
	local driver
	serve
	(while curl -s -o /dev/null -H 'Content-Type: application/json' \
		-d '{"direction":"left","ttl_ms":300}' "$URL/api/robots/torvalds/drive"; do sleep 0.05; done) 3>&- &
	driver=$!
	wait_for 5 state torvalds '.direction == "left"'
	kill -9 $driver
	wait $driver || true
	wait_for 5 state torvalds '.moving == false'
	[ "$(metric 'robot_deadman_stops_total{robot_id="robot-1",robot="torvalds"}')" -ge 1 ]
}

@test "stop ends a drive, and that is no dead-man's" {
	serve
	post /api/robots/linus/drive '{"direction":"forward",'"$LONG"'}' >/dev/null
	[ "$(post /api/robots/linus/stop '{}')" = 200 ]
	jq -e '.moving == false' body
	[ "$(metric 'robot_deadman_stops_total{robot_id="robot-1",robot="linus"}')" = 0 ]
}

@test "/api/stop stops all, with any body, any token, any origin, and never too often" {
	local i
	export ROBOT_TOKEN=0123456789abcdef
	serve
	for robot in linus torvalds; do
		[ "$(post /api/robots/$robot/drive '{"direction":"forward",'"$LONG"'}' -H "Authorization: Bearer $ROBOT_TOKEN")" = 200 ]
	done
	[ "$(post /api/stop 'no JSON' -H 'Origin: http://evil.example' -H 'Content-Type: text/plain' -H 'Host: evil.example')" = 200 ]
	jq -e 'length == 2 and all(.moving == false)' body
	for ((i = 0; i < 150; i++)); do
		echo "url = $URL/api/stop"
	done >many
	[ "$(curl -s -X POST -w '%{http_code}\n' -K many | grep -cx 200)" = 150 ]
	[ "$(curl -s -o body -w '%{http_code}' "$URL/api/stop")" = 405 ]
}

@test "eye: on, off, and a blink that ends by itself" {
	serve
	[ "$(post /api/robots/linus/eye '{"state":"on"}')" = 200 ]
	jq -e '.eye == "on" and .moving == false' body
	[ "$(post /api/robots/linus/eye '{"state":"blink","period_ms":50,"count":2}')" = 200 ]
	jq -e '.eye == "blink"' body
	wait_for 5 state linus '.eye == "off"'
	[ "$(post /api/robots/linus/eye '{"state":"blink","count":0}')" = 200 ]
	[ "$(post /api/robots/linus/eye '{"state":"off"}')" = 200 ]
	jq -e '.eye == "off"' body
}

@test "servo and speed stay as they were set" {
	serve
	[ "$(post /api/robots/linus/servo '{"servo":1,"angle":-45.5}')" = 200 ]
	[ "$(post /api/robots/linus/servo '{"angle":90}')" = 200 ]
	jq -e '.servos == [90, -45.5]' body
	[ "$(post /api/robots/linus/speed '{"left":0.25,"right":1}')" = 200 ]
	post /api/robots/linus/stop '' >/dev/null
	state linus '.speed == [0.25, 1] and .servos == [90, -45.5]'
}

@test "a bad body is 400 and its field is named; nothing moves" {
	bad() { # COMMAND BODY FIELD MESSAGE
		[ "$(post "/api/robots/linus/$1" "$2")" = 400 ]
		jq -e --arg field "$3" --arg words "$4" \
			'.error == $words and (.field // "") == $field' body
	}
	serve
	bad drive '{}' direction 'direction must be forward, backward, left or right'
	bad drive '{"direction":"up"}' direction 'direction must be forward, backward, left or right'
	bad drive '{"direction":7}' direction 'direction must be forward, backward, left or right'
	for ttl in 49 2001 -1 1e3 '"500"' 99999999999; do
		bad drive '{"direction":"left","ttl_ms":'"$ttl"'}' ttl_ms 'ttl_ms must be a whole number from 50 to 2000'
	done
	bad drive '{"direction":"left","speed":1.01}' speed 'speed must be a number from 0 to 1'
	bad drive '{"direction":"left","ttl":100}' '' "drive has no field 'ttl'"
	bad eye '{"state":"red"}' state 'state must be on, off or blink'
	bad eye '{"state":"blink","period_ms":49}' period_ms 'period_ms must be a whole number from 50 to 10000'
	bad eye '{"state":"blink","count":1001}' count 'count must be a whole number from 0 to 1000'
	bad servo '{"servo":-1,"angle":0}' servo 'servo must be a whole number from 0 to 3'
	bad servo '{"servo":0}' angle 'angle must be a number from -90 to 90'
	bad servo '{"servo":0,"angle":90.5}' angle 'angle must be a number from -90 to 90'
	bad speed '{"left":1}' right 'right must be a number from 0 to 1'
	bad speed '{"left":-0.1,"right":1}' left 'left must be a number from 0 to 1'
	bad speed '[]' '' 'the body must be a JSON object'
	bad drive '{"direction":"left"' '' "the body: not JSON: line 1: '}' expected near end of file"
	bad drive '{"direction":"left","direction":"right"}' '' 'the body: not JSON: line 1: duplicate object key near '"'\"direction\"'"
	[ "$(post /api/robots/linus/drive "$(printf '{"direction":"\xff"}')")" = 400 ]
	[ "$(post /api/robots/linus/drive '')" = 400 ]
	state linus '.moving == false'
}

@test "a large body is 413, another type 415, another method 405, another robot 404" {
	serve
	head -c 4097 /dev/zero | tr '\0' ' ' >big
	[ "$(post /api/robots/linus/drive @big)" = 413 ]
	jq -e '.error == "the body is larger than 4096 bytes"' body
	[ "$(curl -s -o body -w '%{http_code}' -d '{"direction":"left"}' "$URL/api/robots/linus/drive")" = 415 ]
	jq -e '.error == "the body must be application/json" and .field == "Content-Type"' body
	for verb in drive eye servo speed stop; do
		[ "$(get "/api/robots/linus/$verb")" = 405 ]
		grep -qi '^allow: POST' header
		jq -e '. == {"error":"only POST is understood here"}' body
		[ "$(post "/api/robots/guido/$verb" '{}')" = 404 ]
		[ "$(jq -r .error body)" = "there is no such robot" ]
		jq -e '.field == "name"' body
	done
	[ "$(post /api/robots/linus '{}')" = 405 ]
	grep -qi '^allow: GET, HEAD' header
	[ "$(get /api/robots/guido)" = 404 ]
	[ "$(post /api/robots/linus/jump '{}')" = 404 ]
	jq -e '.error == "there is nothing here"' body
}

# --- who may ------------------------------------------------------------------------------------

@test "the last command of one owner holds, another's is 409; anybody may stop" {
	local a='Robot-Client: a' b='Robot-Client: b'
	serve
	keep_on post /api/robots/linus/drive '{"direction":"forward",'"$LONG"'}' -H "$a"
	wait_for 5 state linus .moving
	for verb in drive:'{"direction":"left"}' eye:'{"state":"on"}' servo:'{"angle":1}' speed:'{"left":1,"right":1}'; do
		[ "$(post "/api/robots/linus/${verb%%:*}" "${verb#*:}" -H "$b")" = 409 ]
		jq -e '.error == "somebody else drives '"'linus'"'"' body
	done
	[ "$(post /api/robots/linus/drive '{"direction":"left",'"$LONG"'}' -H "$a")" = 200 ]
	jq -e '.direction == "left"' body
	[ "$(post /api/robots/torvalds/drive '{"direction":"left"}' -H "$b")" = 200 ]
	[ "$(post /api/robots/linus/stop '{}' -H "$b")" = 200 ]
	# whose finger is still on the button must let go first
	[ "$(post /api/robots/linus/drive '{"direction":"left"}' -H "$a")" = 409 ]
	jq -e '.error == "somebody else stopped '"'linus'"': let go first"' body
	let_go
	[ "$(post /api/robots/linus/drive '{"direction":"right","ttl_ms":50}' -H "$b")" = 200 ]
	wait_for 5 state linus '.moving == false'
	[ "$(metric 'robot_commands_refused_total{robot_id="robot-1",robot="linus"}')" -ge 5 ]
	sleep 1.1 # longer than the second in which every attempt begins another one
	[ "$(post /api/robots/linus/drive '{"direction":"left"}' -H "$a")" = 200 ]
}

@test "pages of other sites are 403; our own, and programs, are not" {
	local body='{"state":"on"}' host
	serve
	host=${URL#http://}
	for header in 'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site' 'Origin: null' \
		'Origin: http://evil.example' "Origin: http://evil.example/$host" "Origin: http://$host.evil.example"; do
		[ "$(post /api/robots/linus/eye "$body" -H "$header")" = 403 ]
		jq -e '.field == "Origin" and .error == "pages of other sites may not command this robot"' body
		[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST -H "$header" "$URL/linuson")" = 403 ]
	done
	state linus '.eye == "off"'
	for header in 'Sec-Fetch-Site: same-origin' 'Sec-Fetch-Site: none' "Origin: http://$host" 'X-No: header'; do
		[ "$(post /api/robots/linus/eye "$body" -H "$header")" = 200 ]
	done
	[ "$(post /api/robots/linus/eye "$body" -H 'Sec-Fetch-Site: cross-site' -H "Origin: http://$host")" = 403 ]
}

@test "a strange Host is 403, so that no stranger's name can be pointed here" {
	export ROBOT_HOSTS='arm.plant.example, other.example'
	serve
	for host in evil.example 127.0.0.1.evil.example local.evil.example arm.plant.example.evil.example '[::1' ''; do
		for path in / /api/robots /api/robots/linus /api/events; do
			[ "$host" != '' ] || continue
			[ "$(get "$path" -m 2 -H "Host: $host")" = 403 ]
			jq -e '.field == "Host"' body
		done
		[ "$host" = '' ] || [ "$(post /api/robots/linus/eye '{"state":"on"}' -H "Host: $host")" = 403 ]
	done
	for host in 10.1.2.3:80 '[fe80::1]:5000' '[::1]' robot-service-1:5000 localhost gateway.local robots.localhost \
		"$(hostname)" arm.plant.example ARM.plant.example:8080 other.example; do
		[ "$(get /api/robots -H "Host: $host")" = 200 ]
	done
	# what only watches may use any name
	[ "$(get /health -H 'Host: evil.example')" = 200 ]
	ROBOT_HOSTS=, run --separate-stderr -78 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: ROBOT_HOSTS must be up to 16 names, separated by commas" ]
}

@test "with a token, commands need it" {
	printf '0123456789abcdef\n' >token
	for how in ROBOT_TOKEN=0123456789abcdef ROBOT_TOKEN_FILE=token; do
		export "${how?}"
		serve
		for header in 'X-No: token' 'Authorization: Bearer' 'Authorization: Bearer 0123456789abcdeX' \
			'Authorization: Bearer 0123456789abcdef0123456789abcdef' 'Authorization: Basic 0123456789abcdef' \
			'Sec-Fetch-Site: same-origin'; do
			[ "$(post /api/robots/linus/eye '{"state":"on"}' -H "$header")" = 401 ]
			grep -qi '^www-authenticate: Bearer' header
			jq -e '.error == "this needs the robot'"'"'s token" and .field == "Authorization"' body
		done
		[ "$(post /api/robots/linus/eye '{"state":"on"}' -H 'Authorization: bearer 0123456789abcdef')" = 200 ]
		[ "$(get /api/robots)" = 200 ]
		unset "${how%%=*}"
	done
}

@test "a wrong token is 78, and is not shown" {
	ROBOT_TOKEN=secret run --separate-stderr -78 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: the robot's token must have 16 to 256 letters, digits and signs" ]
	ROBOT_TOKEN_FILE=nosuch run --separate-stderr -78 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: ROBOT_TOKEN_FILE: open 'nosuch': No such file or directory" ]
	ROBOT_TOKEN=a ROBOT_TOKEN_FILE=b run --separate-stderr -78 robot-serve --listen 127.0.0.1:0
	[ "$stderr" = "robot-serve: ROBOT_TOKEN and ROBOT_TOKEN_FILE are both set" ]
}

@test "too many commands are 429 with Retry-After; stop still works" {
	local i
	serve
	for ((i = 0; i < 400; i++)); do
		printf 'url = %s/api/robots/linus/eye\noutput = a%s\n' "$URL" $i
	done >many
	curl -si -H 'Content-Type: application/json' -d '{"state":"on"}' -w '%{http_code}\n' -K many >codes
	[ "$(grep -cx 200 codes)" -ge 100 ]
	[ "$(sort codes | uniq | xargs)" = "200 429" ]
	grep -l 'more than 50 commands a second' a* >refused
	[ "$(wc -l <refused)" = "$(grep -cx 429 codes)" ]
	grep -qi '^retry-after: 1' "$(head -n 1 refused)"
	[ "$(post /api/robots/linus/stop '{}')" = 200 ]
}

# --- the old paths ------------------------------------------------------------------------------

@test "the old paths: 405 to GET, a command by POST" {
	serve
	old() { # PATH ROBOT JQ
		[ "$(get "$1")" = 405 ]
		grep -qi '^allow: POST' header
		state "$2" "($3) | not"
		[ "$(curl -s -o body -w '%{http_code}' -X POST "$URL$1")" = 200 ]
		jq -e "$3" body
		curl -s -X POST "$URL/api/stop" -o /dev/null
	}
	old /forward linus '.direction == "forward"'
	old /backward linus '.direction == "backward"'
	old /left linus '.direction == "left"'
	old /right linus '.direction == "right"'
	old /north torvalds '.direction == "forward"'
	old /south torvalds '.direction == "backward"'
	old /west torvalds '.direction == "left"'
	old /east torvalds '.direction == "right"'
	old /linuson linus '.eye == "on"'
	old /linusoff linus '.eye == "off"'
	old /torvaldson torvalds '.eye == "on"'
	old /torvaldsoff torvalds '.eye == "off"'
	for path in /stop /stoptwo /servoarm /motorpwm /shutdown; do
		[ "$(get $path)" = 405 ]
	done
	post /api/robots/linus/drive '{"direction":"left",'"$LONG"'}' >/dev/null
	[ "$(curl -s -o body -w '%{http_code}' -X POST "$URL/stop")" = 200 ]
	jq -e '.name == "linus" and .moving == false' body
	[ "$(curl -s -o body -w '%{http_code}' -X POST "$URL/stoptwo")" = 200 ]
	jq -e '.name == "torvalds"' body
	[ "$(get /status)" = 200 ]
	jq -e 'map(.name) == ["linus", "torvalds"]' body
}

@test "the old sliders take forms and JSON" {
	serve
	[ "$(curl -s -o body -w '%{http_code}' -d 'degree=30&degree2=%2D45' "$URL/servoarm")" = 200 ]
	jq -e '.servos == [30, -45]' body
	[ "$(post /motorpwm '{"speed":5,"speed2":10}')" = 200 ]
	jq -e '.speed == [0.5, 1]' body
	for bad in 'degree=91&degree2=0' 'degree=&degree2=0' 'degree=1x&degree2=0' 'degree=5' \
		'degree=00000000000000000001&degree2=0' 'degree=%00&degree2=1' ''; do
		[ "$(curl -s -o body -w '%{http_code}' -d "$bad" "$URL/servoarm")" = 400 ]
	done
	[ "$(curl -s -o body -w '%{http_code}' -d 'speed=11&speed2=0' "$URL/motorpwm")" = 400 ]
	jq -e '.field == "speed" and .error == "speed must be a number from 0 to 10, not '"'11'"'"' body
	state linus '.servos == [30, -45] and .speed == [0.5, 1]'
}

@test "/items/ID answers its number and q; anything else is 400" {
	serve
	[ "$(get '/items/42?q=a%20%22b')" = 200 ]
	jq -e '. == {"item_id": 42, "q": "a \"b"}' body
	[ "$(get /items/-7)" = 200 ]
	jq -e '. == {"item_id": -7, "q": null}' body
	for id in x 1x 1.5 %201 +1 99999999999999999999 1/2 ''; do
		[ "$(get "/items/$id")" = "$([ -n "$id" ] && echo 400 || echo 404)" ]
	done
	[ "$(post /items/1 '')" = 405 ]
}

@test "/shutdown needs a token, and then ends as TERM does" {
	serve
	[ "$(post /shutdown '')" = 403 ]
	jq -e '.error == "no token is configured, so nobody may"' body
	kill "$PID"
	wait "$PID"
	export ROBOT_TOKEN=0123456789abcdef
	serve
	[ "$(post /shutdown '')" = 401 ]
	[ "$(get /shutdown -H "Authorization: Bearer $ROBOT_TOKEN")" = 405 ]
	[ "$(post /shutdown '' -H "Authorization: Bearer $ROBOT_TOKEN")" = 202 ]
	jq -e '. == {"ending": true}' body
	wait "$PID"
	[ ! -e r.sock ]
}

# --- updates, events, the end -------------------------------------------------------------------

@test "/ready-for-update is 423 while a robot moves, and while the update lock is held" {
	serve
	[ "$(get /ready-for-update)" = 200 ]
	keep_on post /api/robots/torvalds/drive '{"direction":"left",'"$LONG"'}'
	wait_for 5 state torvalds .moving
	[ "$(get /ready-for-update)" = 423 ]
	jq -e '. == {"ready": false, "reason": "moving"}' body
	let_go
	post /api/stop '' >/dev/null
	[ "$(get /ready-for-update)" = 200 ]
	exec 7>update.lock
	[ "$(get /ready-for-update)" = 200 ]
	flock 7
	[ "$(get /ready-for-update)" = 423 ]
	jq -e '.reason == "the update lock is held"' body
	exec 7>&-
	[ "$(get /ready-for-update)" = 200 ]
}

@test "events: the state at once, every change, a beat; and a retry hint at the end" {
	local watcher
	serve
	curl -sN -D header "$URL/api/events" >events 3>&- &
	watcher=$!
	wait_for 5 grep -q '^event: robots' events
	grep -qi '^content-type: text/event-stream' header
	post /api/robots/linus/drive '{"direction":"right","ttl_ms":50}' >/dev/null
	wait_for 5 grep -q '"direction":"right"' events
	stopped() { [[ $(grep '^data: \[' events | tail -n 1) == *'"moving":false'* ]]; }
	wait_for 5 stopped
	wait_for 5 grep -q '^event: beat' events
	grep '^data: \[' events | tail -n 1 | cut -c7- | jq -e 'map(.name) == ["linus", "torvalds"]'
	grep -A1 '^event: beat' events | sed -n 's/^data: //p' | head -n 1 |
		jq -e '.status == "healthy" and .uptime_seconds >= 0 and .requests >= 0 and .request_seconds >= 0'
	kill "$PID"
	wait "$PID"
	wait $watcher
	[ "$(tail -n 2 events)" = "retry: 500" ]
}

@test "events: HEAD has the header only, POST is 405" {
	serve
	curl -sI -m 5 "$URL/api/events" | grep -qi '^content-type: text/event-stream'
	[ "$(post /api/events '')" = 405 ]
	[ "$(get /health)" = 200 ]
}

@test "events: there is room for 64, then 503; who leaves makes room" {
	local i watchers=()
	serve
	for ((i = 0; i < 64; i++)); do
		curl -sN "$URL/api/events" -o "e$i" 3>&- &
		watchers+=($!)
	done
	printf '%s\n' "${watchers[@]}" >>pids
	for ((i = 0; i < 64; i++)); do
		wait_for 10 test -s "e$i"
	done
	[ "$(get /api/events)" = 503 ]
	jq -e '.error == "more than 64 watch already"' body
	grep -qi '^retry-after: 1' header
	[ "$(get /health)" = 200 ]
	kill "${watchers[0]}"
	room() { curl -s -m 1 "$URL/api/events" | grep -q '^event: robots'; }
	wait_for 10 room
}

@test "a demoted instance has stopped its robots and says that it does not drive" {
	export GANTRY_HANDOVER=1
	serve
	post /api/robots/linus/drive '{"direction":"left",'"$LONG"'}' >/dev/null
	kill -USR2 "$PID"
	standing() { [ "$(curl -s --unix-socket r.sock http://robot/api/robots/linus | jq .moving)" = false ]; }
	wait_for 5 standing
	[ "$(curl -s -o body -w '%{http_code}' --unix-socket r.sock -H 'Content-Type: application/json' \
		-d '{"direction":"left"}' http://robot/api/robots/linus/drive)" = 503 ]
	jq -e '.error == "this instance does not drive now"' body
	[ "$(curl -s -o body -w '%{http_code}' --unix-socket r.sock -X POST http://robot/api/stop)" = 503 ]
	kill -USR1 "$PID"
	driving() { curl -s --unix-socket r.sock http://robot/api/robots/linus | jq -e .ok; }
	wait_for 5 driving
}

@test "it stays small" {
	serve
	for ((i = 0; i < 50; i++)); do
		printf 'url = %s/api/robots/linus/eye\noutput = /dev/null\n' "$URL"
	done >many
	curl -s -H 'Content-Type: application/json' -d '{"state":"on"}' -K many
	curl -s "$URL/metrics" "$URL/" >/dev/null
	# sanitizers take memory of their own
	grep -q __asan_init "$B/robot-serve" || [ "$(awk '/^VmHWM/ { print $2 }' "/proc/$PID/status")" -le 8192 ]
}
