#!/bin/sh
# send-missing.sh: sends once more what the central Prometheus lacks of the gateway's samples.
#
# The gateway's Prometheus has them all on disk.  Time is looked at in slices: one of which the
# central Prometheus has as many samples as the gateway is done, any other is sent again whole, and
# what arrives twice counts once.  vmagent, which has a queue on disk, is who sends.  No query returns
# staleness markers, so they are not sent.  STATE/send_missing.prom, for node_exporter, says up to when
# all is there.  Needs promtool, awk and wget, all of which are in the image of Prometheus.
set -eu

: "${SITE:?}" "${STATE:=/prometheus}"
: "${GATEWAY_URL:=http://prometheus-2:9090}" "${CENTRAL_URL:=http://prometheus-1:9090/api/v1/write}"
: "${VMAGENT_URL:=http://vmagent:8429}"
# seconds: a slice, how far back, how long samples may be under way, and from look to look (0: one)
: "${SLICE:=600}" "${LOOKBACK:=648000}" "${SETTLE:=120}" "${EVERY:=300}"
central=${CENTRAL_URL%/api/v1/write}
# the slice before, its first millisecond left out: no sample is in two
range=[$((SLICE * 1000 - 1))ms]

say() {
	echo "send-missing: $*" >&2
}

# Bytes that vmagent has still to deliver.
waiting() {
	wget -q -O "$STATE/answer" "$VMAGENT_URL/metrics" || return
	awk '/^vmagent_remotewrite_pending_data_bytes/ { n += $NF } END { printf "%d\n", n }' "$STATE/answer"
}

# sums FILTER: queries for the number of samples in a slice, of two hundred metrics each; none where there
# was no metric.  Metric by metric: without their names, series of two cannot be told apart.
sums() {
	sed 's/.*"data":\[//; s/\].*//; s/","/\n/g; s/"//g' "$STATE/names" | awk -v filter="$1" -v range="$range" '
		NF { printf "%s(sum(count_over_time({__name__=\"%s\"%s}%s)) or vector(0))", between, $0, filter, range }
		{ between = NR % 200 ? " + " : "\n"; any += NF }
		END { if (any) print "" }'
}

# counts SERVER FILTER FROM TO: END COUNT of each slice.
counts() {
	sums "$2" >"$STATE/sums"
	: >"$STATE/answer"
	while read -r sum; do
		promtool query range --start="$(($3 + SLICE))" --end="$4" --step="${SLICE}s" "$1" "$sum" \
			>>"$STATE/answer" </dev/null || return
	done <"$STATE/sums"
	awk '/ @\[/ { gsub(/[][@]/, ""); n[$2] += $1 } END { for (end in n) print end, n[end] }' "$STATE/answer" | sort -n
}

# lacking FROM TO: the ends of the slices of which the central Prometheus has less.
lacking() {
	wget -q -O "$STATE/names" "$GATEWAY_URL/api/v1/label/__name__/values?start=$1&end=$2" || return
	counts "$GATEWAY_URL" '' "$1" "$2" >"$STATE/here" || return
	counts "$central" ",site=\"$SITE\"" "$1" "$2" >"$STATE/there" || return
	awk 'NR == FNR { there[$1] = $2; next } $2 > there[$1] { print $1 }' "$STATE/there" "$STATE/here"
}

# send END: the slice that ends then, a series a line.  Labels are copied as JSON writes them, and none has
# {"metric": or ,"values":[[ in it: a backslash is before each of its quotes.
send() {
	wget -q -O "$STATE/answer" \
		"$GATEWAY_URL/api/v1/query?time=$1&query=%7B__name__!=%22%22%7D%5B$((SLICE * 1000 - 1))ms%5D" || return
	awk '
		BEGIN { RS = "[{]\"metric\":" }
		(at = index($0, ",\"values\":[[")) {
			n = split(substr($0, at + 12), sample, /\],\[/)
			values = times = ""
			for (i = 1; i <= n; i++) {
				split(sample[i], part, "\"")
				values = values "," part[2]
				times = times sprintf(",%.0f", part[1] * 1000)
			}
			printf "{\"metric\":%s,\"values\":[%s],\"timestamps\":[%s]}\n", substr($0, 1, at - 1), substr(values, 2), substr(times, 2)
		}
	' "$STATE/answer" >"$STATE/slice"
	wget -q -O /dev/null --post-file="$STATE/slice" "$VMAGENT_URL/api/v1/import?extra_label=site=$SITE"
}

# What monitoring is told: nothing, as long as nothing is known to be complete.
tell() {
	[ -s "$STATE/complete" ] || return 0
	cat >"$STATE/send_missing.new" <<-PROM
		# HELP gantry_send_missing_complete_timestamp_seconds The central Prometheus has every sample from before.
		# TYPE gantry_send_missing_complete_timestamp_seconds gauge
		gantry_send_missing_complete_timestamp_seconds $(cat "$STATE/complete")
	PROM
	mv "$STATE/send_missing.new" "$STATE/send_missing.prom"
}

# One look at all that is not known to be complete, a day at a time.
look() {
	now=$(date +%s)
	to=$(((now - SETTLE) / SLICE * SLICE))
	from=$(((now - LOOKBACK) / SLICE * SLICE))
	[ ! -s "$STATE/complete" ] || [ "$(cat "$STATE/complete")" -le "$from" ] || from=$(cat "$STATE/complete")
	bytes=$(waiting) || { say "vmagent does not answer"; return 75; }
	[ "$bytes" -lt 1000000 ] || { say "vmagent has still $bytes bytes to deliver"; return 75; }
	first=
	while [ "$from" -lt "$to" ]; do
		end=$((from + 144 * SLICE))
		[ "$end" -le "$to" ] || end=$to
		ends=$(lacking "$from" "$end") || { say "one of the two Prometheus servers does not answer"; return 75; }
		for slice in $ends; do
			: "${first:=$slice}"
			say "$(date -u -d "@$slice" +%FT%TZ): sends the $SLICE seconds before once more"
			send "$slice" || { say "they could not be sent"; return 75; }
		done
		from=$end
		[ -n "$first" ] || echo "$from" >"$STATE/complete"
	done
}

trap 'exit 0' TERM
while :; do
	status=0
	look || status=$?
	tell
	touch "$STATE/alive"
	[ "$EVERY" -gt 0 ] || exit "$status"
	sleep "$EVERY" &
	wait "$!"
done
