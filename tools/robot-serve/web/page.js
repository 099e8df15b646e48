"use strict";

// The page follows /health.  A page in the background asks seldom, so that a
// forgotten tab does not load a robot.
const EVERY_MS = 2000;
const HIDDEN_MS = 30000;
const TIMEOUT_MS = 4000;
let lastSeen = Date.now();
let timer;

function show(id, text) {
	const at = document.getElementById(id);
	if (at.textContent === text)
		return;
	at.textContent = text;
	if (id === "version" || id === "instance") {
		at.classList.remove("changed");
		void at.offsetWidth;
		at.classList.add("changed");
	}
}

function duration(s) {
	if (s >= 86400)
		return Math.floor(s / 86400) + " d " + Math.floor(s / 3600) % 24 + " h";
	if (s >= 3600)
		return Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " min";
	if (s >= 60)
		return Math.floor(s / 60) + " min " + s % 60 + " s";
	return s + " s";
}

function status(word) {
	show("status", word);
	document.getElementById("status").className = "pill " + word;
}

async function ask() {
	try {
		const answer = await fetch("health", {
			cache: "no-store",
			signal: AbortSignal.timeout(TIMEOUT_MS),
		});
		// an unhealthy robot answers 503 with the same fields
		const h = await answer.json();
		lastSeen = Date.now();
		status(["healthy", "degraded"].includes(h.status) ? h.status : "unhealthy");
		show("robot_id", h.robot_id);
		show("problems", h.problems.join("; "));
		show("version", h.version);
		show("role", h.role);
		show("uptime", duration(h.uptime_seconds));
		show("started", new Date(h.started).toLocaleString());
		document.getElementById("started").dateTime = h.started;
		show("instance", h.instance);
		show("seen", "Live");
		document.title = h.robot_id + " " + h.version;
	} catch (_) {
		status("unreachable");
		show("seen", "Last answer " + duration(Math.round((Date.now() - lastSeen) / 1000)) + " ago");
	}
	plan();
}

function plan() {
	clearTimeout(timer);
	timer = setTimeout(ask, document.hidden ? HIDDEN_MS : EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
	clearTimeout(timer);
	if (document.hidden)
		plan();
	else
		ask();
});
ask();
