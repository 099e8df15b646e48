# A real Chromium without a screen, driven by WebDriver (W3C) through chromedriver.  One browser
# serves a whole file: start_browser in setup_file, stop_browser in teardown_file.

# start_browser: sets DRIVER, the session's address.
start_browser() {
	local port ask
	for ask in chromedriver chromium; do
		command -v $ask >/dev/null || {
			echo "the page's tests need $ask (Debian: chromium, chromium-driver)" >&2
			return 1
		}
	done
	port=$(free_port)
	chromedriver --port="$port" --log-path="$BATS_FILE_TMPDIR/chromedriver.log" >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/driver.pid"
	wait_for 20 curl -fs "http://127.0.0.1:$port/status"
	ask=$(jq -cn --arg home "$BATS_FILE_TMPDIR/chromium" '{capabilities: {alwaysMatch: {
		browserName: "chrome", "goog:loggingPrefs": {browser: "ALL"},
		"goog:chromeOptions": {args: ["headless=new", "no-sandbox", "disable-gpu",
			"disable-dev-shm-usage", "no-first-run", "disable-extensions",
			"disable-background-networking", "disable-component-update", "no-proxy-server",
			"user-data-dir=" + $home, "window-size=1280,900"]}}}}')
	DRIVER=http://127.0.0.1:$port/session
	DRIVER+=/$(driver POST '' "$ask" | jq -er .sessionId)
	export DRIVER
}

stop_browser() {
	local pid
	[ -z "${DRIVER:-}" ] || driver DELETE '' >/dev/null || true
	pid=$(cat "$BATS_FILE_TMPDIR/driver.pid") || return 0
	kill "$pid" 2>/dev/null || true
	wait_for 10 not_alive "$pid"
}

# driver METHOD PATH [JSON]: the value that comes back.
driver() {
	local answer
	answer=$(curl -s --max-time 120 -X "$1" ${3:+-H 'Content-Type: application/json' --data-binary "$3"} "$DRIVER$2") ||
		return 1
	if jq -e '.value | type == "object" and has("error")' <<<"$answer" >/dev/null; then
		jq -r '.value | .error + ": " + .message' <<<"$answer" >&2
		return 1
	fi
	jq -c .value <<<"$answer"
}

# visit URL
visit() {
	driver POST /url "$(jq -cn --arg url "$1" '{$url}')" >/dev/null
}

# js SCRIPT [ARGUMENT...]: what it returns, as JSON; arguments are texts.
js() {
	local script=$1
	shift
	driver POST /execute/sync "$(jq -cn --arg script "$script" '{$script, args: $ARGS.positional}' --args "$@")"
}

# is SCRIPT: it returns true.
is() {
	[ "$(js "return $1")" = true ]
}

# cdp COMMAND [JSON]: Chromium's own protocol.
cdp() {
	driver POST /goog/cdp/execute "$(jq -cn --arg cmd "$1" --argjson params "${2:-{\}}" '{$cmd, $params}')"
}

# element SELECTOR: its id for WebDriver.
element() {
	driver POST /element "$(jq -cn --arg value "$1" '{using: "css selector", $value}')" | jq -er '.[]'
}

# press SELECTOR: the mouse's button goes down on it, and stays so until let_go.
press() {
	driver POST /actions "$(jq -cn --arg id "$(element "$1")" '{actions: [{type: "pointer", id: "mouse",
		actions: [{type: "pointerMove", duration: 0, x: 0, y: 0,
			origin: {"element-6066-11e4-a52e-4f735466cecf": $id}}, {type: "pointerDown", button: 0}]}]}')" >/dev/null
}

let_go() {
	driver POST /actions '{"actions":[{"type":"pointer","id":"mouse","actions":[{"type":"pointerUp","button":0}]}]}' >/dev/null
}

click() {
	driver POST "/element/$(element "$1")/click" '{}' >/dev/null
}

# key keyDown|keyUp KEY: as WebDriver names keys, \uE013 is the arrow up.
key() {
	driver POST /actions "$(printf '{"actions":[{"type":"key","id":"keys","actions":[{"type":"%s","value":"%s"}]}]}' "$1" "$2")" >/dev/null
}

# console: what the browser's console was told since the last call.
console() {
	driver POST /se/log '{"type":"browser"}'
}

# screen WIDTH light|dark [touch]
screen() {
	cdp Emulation.setDeviceMetricsOverride "$(printf '{"width":%d,"height":900,"deviceScaleFactor":1,"mobile":%s}' \
		"$1" "$([ "${3:-}" = touch ] && echo true || echo false)")" >/dev/null
	cdp Emulation.setTouchEmulationEnabled "{\"enabled\":$([ "${3:-}" = touch ] && echo true || echo false)}" >/dev/null
	cdp Emulation.setEmulatedMedia "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$2\"}]}" >/dev/null
}

# screenshot FILE: the whole page.
screenshot() {
	local size
	size=$(js 'return {width: innerWidth, height: document.documentElement.scrollHeight,
		deviceScaleFactor: 1, mobile: false}')
	cdp Emulation.setDeviceMetricsOverride "$size" >/dev/null
	cdp Page.captureScreenshot '{"captureBeyondViewport":true,"format":"png"}' | jq -r .data | base64 -d >"$1"
}
