#!/usr/bin/env bats
# The robot's page, in a real Chromium: what a person sees and does, and what the robot does then.

setup_file() {
	load helpers/common
	load helpers/browser
	unset PORT LOG_DIR GANTRY_HANDOVER GANTRY_INSTANCE ROBOT_TOKEN ROBOT_TOKEN_FILE ROBOT_HOSTS
	cd "$BATS_FILE_TMPDIR" || return 1
	PORT1=$(free_port)
	DIGEST=sha256:$(printf x | sha256sum | cut -c1-64)
	export URL=http://127.0.0.1:$PORT1 PORT1 DIGEST
	serve_first 1.2.3
	start_browser
	# violations of the page's own policy are kept for the test that asks for them
	cdp Page.addScriptToEvaluateOnNewDocument '{"source":"window.violations = []; addEventListener(\"securitypolicyviolation\", (e) => violations.push(e.blockedURI))"}'
}

teardown_file() {
	stop_browser
	stop_all
}

setup() {
	load helpers/common
	load helpers/browser
	cd "$BATS_TEST_TMPDIR" || return 1
	screen 1280 light
}

teardown() {
	let_go
	other_lets_go
	curl -s -X POST "$URL/api/stop" >/dev/null || true
}

# serve NAME PORT: in the background, until stop_all.
serve() {
	GANTRY_SOCKET=$BATS_FILE_TMPDIR/$1.sock robot-serve --listen "127.0.0.1:$2" "${@:3}" \
		>"$BATS_FILE_TMPDIR/$1.out" 2>&1 3>&- &
	PID=$!
	echo $PID >>"$BATS_FILE_TMPDIR/pids"
	wait_for 10 curl -fs "http://127.0.0.1:$2/api/robots"
}

serve_first() { # VERSION
	APP_VERSION=$1 ROBOT_ID=robot-1 GANTRY_IMAGE=localhost:5000/robot-app@$DIGEST serve first "$PORT1"
	echo $PID >"$BATS_FILE_TMPDIR/first.pid"
}

# open [URL]: the page, with its robots there.
open() {
	visit "${1:-$URL}/"
	wait_for 10 is '!document.querySelector("fieldset").disabled && status === "healthy"'
}

# robot NAME JQ: its state is so; AT is another address than the first one's.
robot() {
	curl -s "${AT:-$URL}/api/robots/$1" | jq -e "$2"
}

# number METRIC-WITH-LABELS: its value.
number() {
	curl -s "$URL/metrics" | awk -v name="$1" '$1 == name { print $2 }'
}

drives() { # DIRECTION: commands so far
	number "robot_drive_commands_total{robot_id=\"robot-1\",robot=\"linus\",direction=\"$1\"}"
}

more_drives() { # DIRECTION THAN
	(($(drives "$1") > $2))
}

deadman() {
	number 'robot_deadman_stops_total{robot_id="robot-1",robot="linus"}'
}

way() { # NAME
	echo "section[aria-labelledby=robot-linus] [data-way=$1]"
}

words() { # SELECTOR: what stands there
	js "return document.querySelector(arguments[0]).textContent" "$1" | jq -r .
}

shows() { # SELECTOR TEXT
	[ "$(words "$1")" = "$2" ]
}

drive_as_other() {
	curl -s -o answer -w '%{http_code}' -H 'Robot-Client: other' -H 'Content-Type: application/json' \
		-d '{"direction":"left","ttl_ms":2000}' "$URL/api/robots/linus/drive"
}

# other_drives: somebody else, until other_lets_go.
other_drives() {
	while drive_as_other >status; do sleep 0.2; done 3>&- &
	echo $! >other.pid
	wait_for 10 robot linus '.direction == "left"'
}

other_lets_go() {
	[ ! -f other.pid ] || kill "$(cat other.pid)" || true
	rm -f other.pid
}

@test "it shows who it is, and its robots with the controls that they have" {
	open
	shows h1 robot-1
	shows '#firmware' 1.2.3
	shows '#version' 1.2.3
	shows '#digest' "$DIGEST"
	shows '#status' healthy
	shows '#role' serving
	shows '#seen' Live
	is '[...document.querySelectorAll("#robots h2")].map((h) => h.textContent).join() === "linus,torvalds"'
	is '[...document.querySelectorAll(".robot")].map((r) => r.querySelectorAll("input").length).join() === "4,2"'
	is '[...document.querySelectorAll(".arms")].map((a) => a.children.length).join() === "2,0"'
	is 'document.querySelectorAll(".eyes").length === 2'
	local before
	before=$(words '#uptime')
	changed() { [ "$(words '#uptime')" != "$before" ]; }
	wait_for 10 changed
}

@test "it asks no other host, breaks no rule of its own, and the console stays empty" {
	console >/dev/null
	open
	click 'section[aria-labelledby=robot-linus] [data-eye=on]'
	wait_for 10 robot linus '.eye == "on"'
	is 'performance.getEntriesByType("resource").length >= 4'
	is 'performance.getEntriesByType("resource").every((e) => new URL(e.name).origin === location.origin)'
	[ "$(js 'return violations')" = '[]' ]
	[ "$(console)" = '[]' ]
	# this is how a violation would look
	js 'document.body.insertAdjacentHTML("beforeend", "<img src=http://127.0.0.1:9/x><p style=color:red>")'
	wait_for 10 is 'violations.length === 2'
	[ "$(console)" != '[]' ]
}

@test "mouse: holding drives, for longer than one command lives; letting go stops" {
	local before stops
	open
	before=$(drives forward) stops=$(deadman)
	press "$(way forward)"
	wait_for 10 robot linus '.moving and .direction == "forward"'
	wait_for 10 more_drives forward $((before + 4))
	robot linus .moving
	wait_for 10 shows 'section[aria-labelledby=robot-linus] .state' 'driving forward'
	let_go
	wait_for 10 robot linus '.moving | not'
	[ "$(deadman)" = "$stops" ]
	before=$(drives forward)
	wait_for 10 shows 'section[aria-labelledby=robot-linus] .state' standing
	[ "$(drives forward)" = "$before" ]
}

@test "the drawing moves with the robot, but not for those who want less motion" {
	open
	press "$(way right)"
	wait_for 10 is 'document.querySelector(".side.left").dataset.turn === "1" && document.querySelector(".side.right").dataset.turn === "-1"'
	wait_for 10 is 'document.getAnimations().some((a) => a.animationName === "roll")'
	cdp Emulation.setEmulatedMedia '{"features":[{"name":"prefers-reduced-motion","value":"reduce"}]}'
	wait_for 10 is 'document.getAnimations().length === 0'
	is 'getComputedStyle(document.querySelector(".side.left .arrow")).opacity === "1"'
	let_go
	wait_for 10 is 'document.querySelector(".side.left").dataset.turn === "0"'
	click 'section[aria-labelledby=robot-linus] [data-eye=off]'
	wait_for 10 is '!document.querySelector(".robot").classList.contains("lit")'
	click 'section[aria-labelledby=robot-linus] [data-eye=on]'
	wait_for 10 is 'document.querySelector(".robot").classList.contains("lit")'
}

@test "keys: arrows and W A S D drive while held; Space stops; leaving the pad stops" {
	local before
	open
	js 'document.querySelector(arguments[0]).focus()' "$(way left)"
	before=$(drives forward)
	key keyDown '\uE013'
	wait_for 10 robot linus '.direction == "forward"'
	wait_for 10 more_drives forward $((before + 4))
	key keyDown d
	wait_for 10 robot linus '.direction == "right"'
	key keyUp d
	wait_for 10 robot linus '.direction == "forward"'
	key keyUp '\uE013'
	wait_for 10 robot linus '.moving | not'
	key keyDown s
	wait_for 10 robot linus '.direction == "backward"'
	key keyDown ' '
	wait_for 10 robot linus '.moving | not'
	key keyUp ' '
	key keyUp s
	robot linus '.moving | not'
	key keyDown a
	wait_for 10 robot linus '.direction == "left"'
	js 'document.querySelector("#stop").focus()'
	wait_for 10 robot linus '.moving | not'
	key keyUp a
	# Enter holds the direction that is focused
	js 'document.querySelector(arguments[0]).focus()' "$(way backward)"
	key keyDown '\uE007'
	wait_for 10 robot linus '.direction == "backward"'
	key keyUp '\uE007'
	wait_for 10 robot linus '.moving | not'
}

@test "a click without mouse or finger, as a screen reader makes it, is one short move" {
	local before
	open
	before=$(drives left)
	js 'document.querySelector(arguments[0]).click()' "$(way left)"
	wait_for 10 more_drives left "$before"
	wait_for 10 robot linus '.moving | not'
	[ "$(drives left)" = $((before + 1)) ]
}

@test "touch: holding drives, lifting or losing the finger stops" {
	local at end before
	screen 390 light touch
	open
	at=$(js 'const r = document.querySelector(arguments[0]).getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}' "$(way backward)")
	for end in touchEnd touchCancel; do
		before=$(drives backward)
		cdp Input.dispatchTouchEvent "{\"type\":\"touchStart\",\"touchPoints\":[$at]}"
		wait_for 10 more_drives backward $((before + 4))
		robot linus '.direction == "backward"'
		cdp Input.dispatchTouchEvent "{\"type\":\"$end\",\"touchPoints\":[]}"
		wait_for 10 robot linus '.moving | not'
	done
}

@test "another tab in front stops" {
	local here stops
	open
	here=$(driver GET /window | jq -r .)
	stops=$(deadman)
	press "$(way forward)"
	wait_for 10 robot linus .moving
	tab=$(driver POST /window/new '{"type":"tab"}' | jq -r .handle)
	cdp Target.activateTarget "{\"targetId\":\"$tab\"}"
	wait_for 10 robot linus '.moving | not'
	[ "$(deadman)" = "$stops" ]
	driver POST /window "{\"handle\":\"$tab\"}"
	driver DELETE /window
	driver POST /window "{\"handle\":\"$here\"}"
	let_go
}

@test "a tab that is closed while it drives leaves a robot that stands" {
	local here
	here=$(driver GET /window | jq -r .)
	tab=$(driver POST /window/new '{"type":"tab"}' | jq -r .handle)
	driver POST /window "{\"handle\":\"$tab\"}"
	open
	press "$(way forward)"
	wait_for 10 robot linus .moving
	driver DELETE /window
	driver POST /window "{\"handle\":\"$here\"}"
	# nobody renews it, so that it cannot last longer than its lease
	wait_for 2 robot linus '.moving | not'
}

@test "a page that hangs stops nothing, but the robot stops by itself" {
	local stops
	open
	stops=$(deadman)
	press "$(way forward)"
	wait_for 10 robot linus .moving
	js 'const end = performance.now() + 1500; while (performance.now() < end);'
	(($(deadman) > stops))
	let_go
}

@test "Stop everything, and Escape, stop whoever drives" {
	open
	other_drives
	click '#stop'
	wait_for 10 robot linus '.moving | not'
	other_lets_go
	press "$(way forward)"
	wait_for 10 robot linus '.direction == "forward"'
	key keyDown '\uE00C'
	wait_for 10 robot linus '.moving | not'
	key keyUp '\uE00C'
	let_go
}

@test "eye, servos and speed do what they show, and show what others did" {
	local linus='section[aria-labelledby=robot-linus]'
	open
	click "$linus [data-eye=blink]"
	wait_for 10 robot linus '.eye == "blink"'
	wait_for 10 is 'document.querySelector("[data-eye=blink]").getAttribute("aria-pressed") === "true"'
	click "$linus [data-eye=off]"
	wait_for 10 robot linus '.eye == "off"'
	type() { # NTH-SLIDER KEY
		driver POST "/element/$(element "$linus label:nth-child($1) input")/value" "{\"text\":\"$2\"}"
	}
	type 3 '\uE010' # End
	wait_for 10 robot linus '.servos[0] == 90'
	type 4 '\uE011\uE014' # Home, and one to the right
	wait_for 10 robot linus '.servos[1] == -89'
	shows "$linus label:nth-child(4) output" '-89°'
	type 1 '\uE011'
	wait_for 10 robot linus '.speed == [0, 1]'
	type 2 '\uE011'
	wait_for 10 robot linus '.speed == [0, 0]'
	type 1 '\uE010'
	type 2 '\uE010'
	wait_for 10 robot linus '.speed == [1, 1]'
	curl -s -H 'Content-Type: application/json' -d '{"servo":1,"angle":30}' "$URL/api/robots/linus/servo"
	wait_for 10 shows "$linus label:nth-child(4) output" '30°'
	wait_for 10 is 'document.querySelectorAll(".arm")[1].style.transform === "rotate(30deg)"'
}

@test "what is refused is said in words: somebody else drives, or stopped it" {
	open
	other_drives
	press "$(way forward)"
	wait_for 10 shows '#error' "Somebody else drives 'linus'."
	let_go
	robot linus '.direction == "left"' # and it was not stopped
	other_lets_go
	curl -s -H 'Robot-Client: other' -X POST "$URL/api/robots/linus/stop"
	press "$(way forward)"
	wait_for 10 robot linus '.direction == "forward"'
	wait_for 10 shows '#error' ''
	curl -s -H 'Robot-Client: other' -X POST "$URL/api/robots/linus/stop"
	wait_for 10 shows '#error' "Somebody else stopped 'linus': let go first."
	robot linus '.moving | not'
	is 'document.querySelector("#error").getAttribute("role") === "alert"'
}

@test "what is refused is said in words: too many commands, outputs out of reach" {
	local flood port
	open
	curl -s -o /dev/null -H 'Content-Type: application/json' -d '{"state":"off"}' "$URL/api/robots/torvalds/eye?[1-20000]" 3>&- &
	flood=$!
	refused() {
		click 'section[aria-labelledby=robot-linus] [data-eye=off]'
		shows '#error' 'More than 50 commands a second.'
	}
	wait_for 10 refused
	kill $flood
	port=$(free_port)
	echo '{"robots":[{"name":"far","backend":"pigpio","host":"127.0.0.1","port":1,"motors":[1,2,3,4]}]}' >far.json
	serve far "$port" -c far.json
	visit "http://127.0.0.1:$port/"
	wait_for 10 shows '.state' 'out of order'
	wait_for 10 is 'document.querySelector("#problems").textContent.length > 10'
	# neither eye nor servos, so no controls for them
	is 'document.querySelectorAll(".eyes, .eye, .arm").length === 0 && document.querySelectorAll("input[type=range]").length === 2'
	press '[data-way=forward]'
	wait_for 10 is 'document.querySelector("#error").textContent.startsWith("Not now: ")'
	let_go
}

@test "a robot with a token asks for it, keeps it for this tab only, and says if it is wrong" {
	local AT port
	port=$(free_port)
	ROBOT_TOKEN=0123456789abcdef serve token "$port"
	open "http://127.0.0.1:$port"
	is 'document.querySelector("#token").hidden'
	eye() { click 'section[aria-labelledby=robot-linus] [data-eye=on]'; }
	say() {
		driver POST "/element/$(element '#secret')/value" "{\"text\":\"$1\"}"
		click '#token button'
	}
	eye
	wait_for 10 shows '#error' 'This robot takes commands only with its token.'
	is '!document.querySelector("#token").hidden && document.activeElement.id === "secret"'
	say wrong-0123456789
	is 'document.querySelector("#token").hidden'
	eye
	wait_for 10 shows '#error' 'The robot does not take this token.'
	say 0123456789abcdef
	eye
	AT=http://127.0.0.1:$port
	wait_for 10 robot linus '.eye == "on"'
	shows '#error' ''
	is 'sessionStorage.length === 1 && localStorage.length === 0 && document.cookie === "" && document.querySelector("#secret").value === ""'
	press "$(way forward)"
	wait_for 10 robot linus .moving
	let_go
	# stopping needs none
	js 'sessionStorage.clear()'
	curl -s -H 'Authorization: Bearer 0123456789abcdef' -H 'Content-Type: application/json' -d '{"direction":"left","ttl_ms":2000}' "$AT/api/robots/linus/drive"
	click '#stop'
	wait_for 10 robot linus '.moving | not'
}

@test "a robot that goes away is offline, with nothing to press but stop; it comes back by itself" {
	local pid
	open
	pid=$(cat "$BATS_FILE_TMPDIR/first.pid")
	press "$(way forward)"
	wait_for 10 robot linus .moving
	kill "$pid"
	wait_for 10 not_alive "$pid"
	wait_for 10 shows '#status' offline
	is '[...document.querySelectorAll("fieldset")].every((f) => f.disabled)'
	is '[...document.querySelectorAll(".robot button, .robot input")].every((b) => b.matches(":disabled"))'
	is '!document.querySelector("#stop").disabled'
	shows '#error' 'The robot is out of reach; it stops by itself.'
	[[ $(words '#seen') == "Nothing heard for "* ]]
	let_go
	serve_first 1.2.4
	wait_for 20 shows '#status' healthy
	wait_for 10 shows '#version' 1.2.4
	is '[...document.querySelectorAll("fieldset")].every((f) => !f.disabled)'
	shows '#error' ''
	robot linus '.moving | not'
	console >/dev/null
}

@test "the chart shows requests and their latency" {
	open
	asked() {
		curl -s -o /dev/null "$URL/health?[1-20]"
		is 'parseFloat(document.querySelector("#rate").textContent) > 5 && parseFloat(document.querySelector("#latency").textContent) > 0'
	}
	wait_for 20 asked
	drawn() {
		curl -s -o /dev/null "$URL/health"
		is '["rate", "latency"].every((id) => /L/.test(document.querySelector("#" + id + "_chart .line").getAttribute("d")))'
	}
	wait_for 20 drawn
}

@test "everything has a name for screen readers, and landmarks to go by" {
	open
	cdp Accessibility.getFullAXTree |
		jq '[.nodes[] | select(.ignored | not) | {role: .role.value, name: (.name.value // "")}]' >tree
	jq -e '[.[] | select(.role == ("button", "slider", "link", "textbox", "image", "group", "region"))] | length > 30 and all(.name != "")' tree
	jq -e '[.[].role] | contains(["banner", "main", "contentinfo", "navigation", "status"])' tree
	jq -e '[.[] | select(.role == "button").name] | contains(["linus forward", "torvalds stop", "Stop everything"])' tree
	jq -e '[.[] | select(.role == "slider").name] | contains(["linus servo 2", "torvalds speed left"])' tree
	is 'document.documentElement.lang === "en"'
}

# Text on its ground, and what can be pressed on what is around it.
contrast='
const rgb = (s) => s.match(/[\d.]+/g).map(Number);
const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
return [...document.querySelectorAll("body *")].filter((e) => e.getClientRects().length && !e.closest("svg, template") &&
	[...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
	.map((e) => [e.textContent, ratio(rgb(getComputedStyle(e).color), ground(e))]).filter(([, r]) => r < 4.5);'

@test "a phone and a desk, light and dark: all fits, is large enough, and is told apart" {
	local scheme width
	open
	other_drives
	for scheme in light dark; do
		for width in 1280 390; do
			screen $width $scheme "$([ $width = 1280 ] || echo touch)"
			is "innerWidth === $width && document.documentElement.scrollWidth <= $width"
			[ "$(js "$contrast")" = '[]' ]
			is '[...document.querySelectorAll("button, input, nav a")].filter((b) => b.getClientRects().length)
				.every((b) => b.getBoundingClientRect().height >= 44 && (b.tagName === "A" || b.getBoundingClientRect().width >= 44))'
			screenshot "$B/page-$scheme-$width.png"
			[ "$(stat -c %s "$B/page-$scheme-$width.png")" -gt 20000 ]
		done
	done
	screen 320 light touch
	is 'document.documentElement.scrollWidth <= 320'
	cmp -s "$B/page-light-390.png" "$B/page-dark-390.png" && return 1
	# the way to stop is always in sight
	screen 390 light touch
	js 'scrollTo(0, 700)'
	is '(({top, bottom}) => top > 0 && bottom <= innerHeight)(document.querySelector("#stop").getBoundingClientRect())'
	screen 1280 light
	js 'scrollTo(0, 300)'
	is '(({top, bottom}) => top >= 0 && bottom <= innerHeight)(document.querySelector("#stop").getBoundingClientRect())'
}
