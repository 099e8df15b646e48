// The engine behind a socket of its own, with faults on demand.
//
//     node engineproxy.js SOCKET ENGINE FILE
//
// While FILE is there, a request whose "METHOD PATH" its first line matches, a regular expression, is
// answered 500 with the words of its second line, and noted in FILE.log; all others are the engine's.
const [, , from, to, file] = process.argv;
const fs = require("fs"), http = require("http");

const rule = () => (fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n") : null);

http.createServer((ask, answer) => {
	const fault = rule(), line = `${ask.method} ${ask.url}`;
	if (fault && new RegExp(fault[0]).test(line)) {
		fs.appendFileSync(`${file}.log`, `${line}\n`);
		ask.resume();
		answer.writeHead(500, { "Content-Type": "application/json" });
		answer.end(JSON.stringify({ message: fault[1] }));
		return;
	}
	const up = http.request({ socketPath: to, method: ask.method, path: ask.url, headers: ask.headers },
		(r) => {
			answer.writeHead(r.statusCode, r.headers);
			r.pipe(answer);
		});
	up.on("error", () => answer.destroy());
	answer.on("close", () => up.destroy());
	ask.pipe(up);
}).listen(from);
