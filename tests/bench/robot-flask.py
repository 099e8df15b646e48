"""The answers of robot-serve's two busiest routes, as a small Flask app gives them."""
import sys
import time

from flask import Flask, jsonify, render_template_string

PAGE = """<!DOCTYPE html><html lang="en"><head><title>{{ name }}</title></head><body>
<h1>{{ name }}</h1><p>Version {{ version }}, up for {{ uptime }} s</p>
{% for robot in robots %}<h2>{{ robot }}</h2>
{% for way in ways %}<a href="/{{ robot }}{{ way }}">{{ way }}</a>{% endfor %}{% endfor %}
</body></html>"""
START = time.monotonic()
app = Flask(__name__)


@app.get("/health")
def health():
    return jsonify(status="healthy", version="1.0", uptime_seconds=int(time.monotonic() - START))


@app.get("/")
def page():
    return render_template_string(
        PAGE, name="bench", version="1.0", uptime=int(time.monotonic() - START),
        robots=["linus", "torvalds"], ways=["forward", "backward", "left", "right", "stop"])


app.run(host="127.0.0.1", port=int(sys.argv[1]), threaded=True)
