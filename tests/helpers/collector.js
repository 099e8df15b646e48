// collector.js DIR [MODULES]: a trace collector that decodes with OpenTelemetry's own code.
//
// Listens on a free port of 127.0.0.1, written to DIR/port.  Every post is put through the protobuf
// types of @opentelemetry/otlp-transformer (in MODULES) and back; what is not the same then (a wrong
// name, a number where a string belongs, a short id) is not OTLP and goes to DIR/wrong.  Spans go to
// DIR/spans, one JSON object a line, and what else a post had to DIR/posts.  Without MODULES (where no
// network is) spans are taken as they come.
//
// DIR/answer, if it is there: "STATUS [RETRY-AFTER]" for the next post, once; "hang" until it is gone.
'use strict';
const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');

const [dir, modules] = process.argv.slice(2);
let Request;
if (modules !== undefined) {
	const protobuf = require(path.join(modules, 'protobufjs/minimal.js'));
	protobuf.util.Long = require(path.join(modules, 'long'));
	protobuf.configure();
	const transformer = path.join(modules, '@opentelemetry/otlp-transformer');
	const root = require(path.join(transformer, 'build/src/generated/root.js'));
	Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
}

const file = (name) => path.join(dir, name);
const append = (name, value) => fs.appendFileSync(file(name), JSON.stringify(value) + '\n');

const ids = ['traceId', 'spanId', 'parentSpanId'];
const lengths = { traceId: 32, spanId: 16, parentSpanId: 16 };

// JSON's hex is protobuf's bytes.
function eachSpan(request, change) {
	for (const r of request.resourceSpans)
		for (const s of r.scopeSpans)
			for (const span of s.spans)
				for (const id of ids)
					if (span[id] !== undefined)
						span[id] = change(id, span[id]);
}

function decode(text) {
	const given = JSON.parse(text);
	if (Request === undefined)
		return given;
	const wire = JSON.parse(text);
	eachSpan(wire, (id, hex) => {
		assert.match(hex, /^[0-9a-f]*$/);
		assert.strictEqual(hex.length, lengths[id]);
		return Buffer.from(hex, 'hex').toString('base64');
	});
	const message = Request.decode(Request.encode(Request.fromObject(wire)).finish());
	const back = Request.toObject(message, { longs: String, bytes: Array });
	eachSpan(back, (id, bytes) => Buffer.from(bytes).toString('hex'));
	assert.deepStrictEqual(JSON.parse(JSON.stringify(back)), given);
	return back;
}

const values = (attributes) =>
	Object.fromEntries(attributes.map((a) => [a.key, Object.values(a.value)[0]]));

function keep(request) {
	for (const r of request.resourceSpans)
		for (const s of r.scopeSpans)
			for (const span of s.spans)
				append('spans', {
					...span,
					attributes: values(span.attributes),
					resource: values(r.resource.attributes),
					scope: s.scope,
				});
}

function answer(response) {
	let told = '200';
	try {
		told = fs.readFileSync(file('answer'), 'utf8').trim();
	} catch {
		// nothing was told
	}
	if (told === 'hang')
		return setTimeout(answer, 50, response);
	fs.rmSync(file('answer'), { force: true });
	const [status, after] = told.split(' ');
	response.writeHead(Number(status), {
		'Content-Type': 'application/json',
		...(after !== undefined && { 'Retry-After': after }),
	});
	response.end('{}');
}

const server = http.createServer((request, response) => {
	const parts = [];
	request.on('data', (part) => parts.push(part));
	request.on('end', () => {
		const { method, url, headers } = request;
		append('posts', { method, url, headers });
		try {
			keep(decode(Buffer.concat(parts).toString()));
		} catch (e) {
			append('wrong', String(e));
		}
		answer(response);
	});
});
server.listen(Number(process.env.COLLECTOR_PORT || 0), '127.0.0.1', () => {
	fs.writeFileSync(file('port.new'), String(server.address().port));
	fs.renameSync(file('port.new'), file('port'));
});
