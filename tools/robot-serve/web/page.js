"use strict";

const TTL_MS = 500; // a robot that hears nothing for so long stops by itself
const AGAIN_MS = 200;
const TIMEOUT_MS = 3000;
const SILENT_MS = 2500; // the stream has a beat twice a second
const RECONNECT_MS = 500;
const SLIDE_MS = 100; // between two commands of one slider
const SETTLE_MS = 1000; // a slider is let alone for so long after a person moved it
const SAMPLE_MS = 950;
const SAMPLES = 60;
const BLINK = { state: "blink", period_ms: 800, count: 0 };
const WAYS = {
	ArrowUp: "forward", KeyW: "forward", ArrowDown: "backward", KeyS: "backward",
	ArrowLeft: "left", KeyA: "left", ArrowRight: "right", KeyD: "right",
};
// which way the two sides turn
const TURNS = { forward: [1, 1], backward: [-1, -1], left: [-1, 1], right: [1, -1] };
// where a servo's arm is joined to the body
const JOINTS = [[-19, -28], [19, -28], [-19, 28], [19, 28]];

// Whose commands these are: another tab is somebody else.
const client = "page-" + Array.from(crypto.getRandomValues(new Uint32Array(3)),
	(n) => n.toString(36)).join("");
const robots = new Map();

const $ = (id) => document.getElementById(id);

function show(at, text) {
	if (at.textContent !== text)
		at.textContent = text;
}

function sentence(words) {
	return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

function say(words) {
	show($("error"), words);
}

// --- commands -----------------------------------------------------------------------------------

function refused(status, words) {
	if (status === 401) {
		say(sessionStorage.getItem("token") ? "The robot does not take this token." :
			"This robot takes commands only with its token.");
		sessionStorage.removeItem("token");
		$("token").hidden = false;
		$("secret").focus();
	} else if (status === 503) {
		say("Not now: " + words + ".");
	} else {
		say(sentence(words));
	}
}

// The status of the answer, 0 if there is none.  Stopping tells nothing when it worked, so that
// it does not take away why driving did not.
async function post(path, body, stops) {
	const headers = { "Content-Type": "application/json", "Robot-Client": client };
	const token = sessionStorage.getItem("token");
	let answer;

	if (token)
		headers.Authorization = "Bearer " + token;
	try {
		// keepalive: it is sent even if the page goes away now
		answer = await fetch("api/" + path, {
			method: "POST", headers, body: JSON.stringify(body), keepalive: true,
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
	} catch (_) {
		say("The robot does not answer.");
		return 0;
	}
	if (!answer.ok)
		refused(answer.status, await answer.json().then((a) => a.error,
			() => "status " + answer.status));
	else if (!stops)
		say("");
	return answer.status;
}

// Drives one robot for as long as it is held.
class Driver {
	constructor(name) {
		this.path = "robots/" + name;
		this.way = null;
		this.moved = false; // since it is held
		this.drive = null; // the command under way, never two
		this.halt = Promise.resolve();
	}

	hold(way) {
		if (this.way === way)
			return;
		if (this.way === null)
			this.moved = false;
		this.way = way;
		clearInterval(this.timer);
		this.timer = setInterval(() => this.renew(), AGAIN_MS);
		this.renew();
	}

	async renew() {
		const way = this.way;

		if (this.drive !== null || way === null)
			return;
		// a stop before it must not arrive after it
		this.drive = this.halt.then(() =>
			post(this.path + "/drive", { direction: way, ttl_ms: TTL_MS }));
		const status = await this.drive;
		this.drive = null;
		if (status === 200 || status === 202)
			this.moved = true;
		else if (status !== 429)
			this.end();
		if (this.way !== way)
			this.renew();
	}

	end() {
		clearInterval(this.timer);
		this.way = null;
	}

	stop() {
		this.end();
		this.halt = post(this.path + "/stop", {}, true);
	}

	// Who never moved it does not stop it: somebody else may be driving.
	async release(leaving) {
		const drive = this.drive;

		if (this.way === null)
			return;
		if (this.moved || leaving)
			this.stop();
		else
			this.end();
		// the command under way may have been overtaken
		if (drive !== null && await drive < 300 && this.way === null)
			this.stop();
	}
}

function letGo(leaving) {
	for (const r of robots.values())
		r.letGo(leaving);
}

function stopAll() {
	for (const r of robots.values()) {
		r.keys = [];
		r.driver.end();
	}
	post("stop", {}, true).then((status) => {
		if (status === 200 || status === 202)
			say("");
	});
}

// --- a robot ------------------------------------------------------------------------------------

function slider(at, label, min, max, step, unit, send) {
	const node = $("slider").content.cloneNode(true).firstElementChild;
	const [words, input, value] = node.children;
	let moved = -Infinity, timer = 0;

	words.textContent = label;
	Object.assign(input, { min, max, step });
	input.setAttribute("aria-label", at.dataset.name + " " + label.toLowerCase());
	const tell = () => {
		show(value, input.value + unit);
		input.setAttribute("aria-valuetext", input.value + unit);
	};
	input.addEventListener("input", () => {
		moved = performance.now();
		tell();
		timer ||= setTimeout(() => {
			timer = 0;
			send(Number(input.value));
		}, SLIDE_MS);
	});
	at.append(node);
	return {
		get: () => Number(input.value),
		set(n) {
			if (performance.now() - moved < SETTLE_MS)
				return;
			input.value = n ?? 0;
			tell();
			if (n === null)
				show(value, "rests");
		},
	};
}

class Robot {
	constructor(state) {
		const node = $("robot").content.cloneNode(true).firstElementChild;
		const find = (selector) => node.querySelector(selector);

		this.name = state.name;
		this.driver = new Driver(state.name);
		this.keys = [];
		this.node = node;
		this.state = find(".state");
		this.body = find(".body");
		this.sides = [find(".side.left"), find(".side.right")];
		this.eyes = [...node.querySelectorAll("[data-eye]")];
		find("h2").textContent = state.name;
		find("h2").id = "robot-" + state.name;
		node.setAttribute("aria-labelledby", "robot-" + state.name);
		find(".backend").textContent = state.backend;
		this.pad(find(".pad"));
		this.sliders(find(".sliders"), state);
		if (state.eye === null) {
			find(".eyes").remove();
			find(".eye").remove();
		} else {
			find(".eyes").setAttribute("aria-label", this.name + " eye");
			for (const b of this.eyes)
				b.addEventListener("click", () => this.post("eye",
					b.dataset.eye === "blink" ? BLINK : { state: b.dataset.eye }));
		}
		this.arms = state.servos.map((_, i) => this.arm(find(".arms"), i));
		$("robots").append(node);
	}

	post(verb, body) {
		return post("robots/" + this.name + "/" + verb, body);
	}

	letGo(leaving) {
		this.keys = [];
		this.driver.release(leaving);
	}

	pad(pad) {
		pad.setAttribute("aria-label", "Drive " + this.name);
		for (const b of pad.children) {
			const way = b.dataset.way;

			b.setAttribute("aria-label", this.name + " " + (way ?? "stop"));
			if (way)
				this.direction(b, way);
			else
				b.addEventListener("click", () => this.halt());
		}
		pad.addEventListener("keydown", (e) => this.keyDown(e));
		pad.addEventListener("keyup", (e) => this.keyUp(e));
		pad.addEventListener("focusout", (e) => {
			if (this.keys.length > 0 && !pad.contains(e.relatedTarget))
				this.letGo();
		});
	}

	direction(b, way) {
		const up = () => this.letGo();
		let pressed = false;

		b.addEventListener("pointerdown", (e) => {
			if (e.button !== 0)
				return;
			pressed = true;
			b.setPointerCapture(e.pointerId);
			this.driver.hold(way);
		});
		for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
			b.addEventListener(name, up);
		b.addEventListener("contextmenu", (e) => e.preventDefault());
		// a click that no pointer made, as assistive technology does: one short move
		b.addEventListener("click", () => {
			if (!pressed)
				this.post("drive", { direction: way, ttl_ms: TTL_MS });
			pressed = false;
		});
	}

	halt() {
		this.keys = [];
		this.driver.stop();
	}

	keyDown(e) {
		const way = e.key === "Enter" ? e.target.dataset.way : WAYS[e.code];

		if (e.ctrlKey || e.altKey || e.metaKey)
			return;
		if (e.code === "Space") {
			e.preventDefault();
			this.halt();
		} else if (way) {
			e.preventDefault();
			if (!e.repeat) {
				this.keys.push([e.code, way]);
				this.driver.hold(way);
			}
		}
	}

	keyUp(e) {
		if (e.code === "Space")
			e.preventDefault();
		if (!this.keys.some(([code]) => code === e.code))
			return;
		this.keys = this.keys.filter(([code]) => code !== e.code);
		if (this.keys.length > 0 && this.driver.way !== null)
			this.driver.hold(this.keys.at(-1)[1]);
		else
			this.letGo();
	}

	sliders(at, state) {
		const speed = () => this.post("speed",
			{ left: this.speed[0].get() / 100, right: this.speed[1].get() / 100 });

		at.dataset.name = this.name;
		this.speed = ["Speed left", "Speed right"].map((label) =>
			slider(at, label, 0, 100, 1, " %", speed));
		this.servos = state.servos.map((_, i) =>
			slider(at, "Servo " + (i + 1), -90, 90, 1, "°",
				(angle) => this.post("servo", { servo: i, angle })));
	}

	arm(at, i) {
		const g = document.createElementNS("http://www.w3.org/2000/svg", "g");
		const turn = g.cloneNode();
		const add = (parent, name, values) => {
			const node = document.createElementNS(g.namespaceURI, name);

			for (const key in values)
				node.setAttribute(key, values[key]);
			parent.append(node);
		};

		g.setAttribute("transform", "translate(" + JOINTS[i] + ")");
		turn.setAttribute("class", "arm");
		add(turn, "path", { d: "M0 0v-22m-4 0h8" });
		add(turn, "circle", { r: 4 });
		g.append(turn);
		at.append(g);
		return turn;
	}

	update(s) {
		const turns = TURNS[s.direction] ?? [0, 0];

		show(this.state, !s.ok ? "out of order" : s.moving ? "driving " + s.direction : "standing");
		this.node.dataset.way = s.direction ?? "";
		this.node.classList.toggle("bad", !s.ok);
		this.node.classList.toggle("lit", s.lit);
		this.body.dataset.way = s.direction ?? "";
		this.sides.forEach((side, i) => {
			side.dataset.turn = s.speed[i] > 0 ? turns[i] : 0;
			side.style.setProperty("--period", 0.9 - 0.65 * s.speed[i] + "s");
			side.style.setProperty("--reach", 0.5 + s.speed[i] / 2);
			this.speed[i].set(Math.round(s.speed[i] * 100));
		});
		for (const b of this.eyes)
			b.setAttribute("aria-pressed", b.dataset.eye === s.eye);
		s.servos.forEach((angle, i) => {
			this.servos[i].set(angle);
			this.arms[i].style.transform = "rotate(" + (angle ?? 0) + "deg)";
		});
	}
}

// --- live values --------------------------------------------------------------------------------

let source = null, seen = performance.now(), tried = 0, online = null, status = "";

function duration(s) {
	if (s >= 86400)
		return Math.floor(s / 86400) + " d " + Math.floor(s / 3600) % 24 + " h";
	if (s >= 3600)
		return Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " min";
	if (s >= 60)
		return Math.floor(s / 60) + " min " + s % 60 + " s";
	return s + " s";
}

function pill(word) {
	show($("status"), word);
	$("status").className = "pill " + word;
}

// What changes only with the instance or its health.
async function askHealth() {
	let h;

	try {
		// an unhealthy robot answers 503 with the same fields
		h = await (await fetch("health", {
			cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS),
		})).json();
	} catch (_) {
		return;
	}
	show($("robot_id"), h.robot_id);
	show($("problems"), h.problems.map(sentence).join(" "));
	for (const id of ["version", "role"])
		show($(id), h[id]);
	show($("firmware"), h.version);
	show($("digest").firstChild, h.digest ?? "not known");
	show($("instance").firstChild, h.instance);
	show($("started"), new Date(h.started).toLocaleString());
	$("started").dateTime = h.started;
	document.title = h.robot_id + " " + h.version;
}

function alive() {
	seen = performance.now();
	if (online)
		return;
	if (online === false)
		say("");
	online = true;
	document.body.classList.remove("offline");
	for (const f of document.querySelectorAll("fieldset"))
		f.disabled = false;
	show($("seen"), "Live");
	askHealth();
}

function offline() {
	const since = Math.round((performance.now() - seen) / 1000);

	show($("seen"), "Nothing heard for " + duration(since));
	if (online === false)
		return;
	online = false;
	letGo(true);
	document.body.classList.add("offline");
	for (const f of document.querySelectorAll("fieldset"))
		f.disabled = true;
	pill("offline");
	say("The robot is out of reach; it stops by itself.");
}

function onRobots(e) {
	alive();
	for (const state of JSON.parse(e.data)) {
		if (!robots.has(state.name))
			robots.set(state.name, new Robot(state));
		robots.get(state.name).update(state);
	}
}

function onBeat(e) {
	const beat = JSON.parse(e.data);

	alive();
	if (beat.status !== status)
		askHealth();
	status = beat.status;
	pill(status);
	show($("uptime"), duration(beat.uptime_seconds));
	sample(beat);
}

function disconnect() {
	source?.close();
	source = null;
}

function connect() {
	disconnect();
	if (document.hidden)
		return;
	tried = performance.now();
	source = new EventSource("api/events");
	source.addEventListener("robots", onRobots);
	source.addEventListener("beat", onBeat);
	source.onerror = () => {
		disconnect();
		setTimeout(() => source ?? connect(), RECONNECT_MS);
	};
}

function watch() {
	const now = performance.now();

	if (document.hidden || now - seen < SILENT_MS)
		return;
	offline();
	if (now - tried > SILENT_MS)
		connect();
}

// --- traffic ------------------------------------------------------------------------------------

const rates = [], latencies = [];
let last = null;

function digits(n) {
	return n.toFixed(n < 1 ? 2 : n < 100 ? 1 : 0);
}

// A line through the values that there are; a second without requests has no latency.
function draw(chart, values, peak) {
	const [area, line] = chart.children;
	const at = values.map((v, i) => v !== null && [
		SAMPLES - values.length + i + 0.5, (19 - 18 * v / peak).toFixed(2)]).filter(Boolean);
	const path = at.length > 0 ? "M" + at.join("L") : "";

	line.setAttribute("d", path && path + "h.01");
	area.setAttribute("d", path && path + "V20H" + at[0][0] + "z");
}

function keep(values, v, id, unit) {
	values.push(v);
	if (values.length > SAMPLES)
		values.shift();
	const known = values.filter((x) => x !== null);
	const peak = Math.max(0, ...known);

	show($(id), v === null ? "–" : digits(v));
	show($(id + "_peak"), "peak " + (known.length > 0 ? digits(peak) + unit : "–"));
	draw($(id + "_chart"), values, peak || 1);
}

function sample(beat) {
	const now = performance.now();

	if (last === null || beat.requests < last.requests) {
		last = { at: now, requests: beat.requests, seconds: beat.request_seconds };
		return;
	}
	const took = now - last.at, n = beat.requests - last.requests;

	if (took < SAMPLE_MS)
		return;
	keep(rates, n * 1000 / took, "rate", "/s");
	keep(latencies, n > 0 ? (beat.request_seconds - last.seconds) * 1000 / n : null, "latency", " ms");
	last = { at: now, requests: beat.requests, seconds: beat.request_seconds };
}

// --- the page -----------------------------------------------------------------------------------

$("stop").addEventListener("click", stopAll);
$("token").addEventListener("submit", (e) => {
	e.preventDefault();
	const token = $("secret").value.trim();

	if (!/^[!-~]+$/.test(token)) {
		say("A token has letters, digits and signs only.");
		return;
	}
	sessionStorage.setItem("token", token);
	$("secret").value = "";
	$("token").hidden = true;
	say("");
});
document.addEventListener("keydown", (e) => {
	if (e.code === "Escape")
		stopAll();
});
window.addEventListener("blur", () => letGo());
window.addEventListener("pagehide", () => letGo(true));
document.addEventListener("visibilitychange", () => {
	if (document.hidden) {
		letGo(true);
		disconnect();
	} else {
		seen = performance.now();
		last = null;
		connect();
	}
});
setInterval(watch, RECONNECT_MS);
connect();
