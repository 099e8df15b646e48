#!/bin/sh
# send-missing.sh: sends once more what the central Prometheus lacks of the gateway's samples.
#
# The gateway's Prometheus has them all on disk.  Time is looked at in slices: one of which the
# central Prometheus has as many samples as the gateway is done, any other is sent again whole, and
# what arrives twice counts once.  vmagent, which has a queue on disk, is who sends.  Staleness
# markers are not sent.  Needs promtool, awk and wget, all of which are in the image of Prometheus.
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

# sums FILTER: queries for the number of samples in a slice, of two hundred metrics each.  Metric by
# metric: without their names, series of two cannot be told apart.
sums() {
	sed 's/.*"data":\[//; s/\].*//; s/","/\n/g; s/"//g' "$STATE/names" | awk -v filter="$1" -v range="$range" '
		NF { printf "%s(sum(count_over_time({__name__=\"%s\"%s}%s)) or vector(0))", between, $0, filter, range }
		{ between = NR % 200 ? " + " : "\n" }
		END { print "" }'
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

# send END: the slice that ends then, as lines of SERIES VALUE TIME.
send() {
	promtool query instant --time="$1" "$GATEWAY_URL" "{__name__!=\"\"}$range" >"$STATE/answer" || return
	awk '
		sub(/ =>$/, "") { series = $0; next }
		/ @\[[0-9.]+\]$/ { printf "%s %s %.0f\n", series, $1, substr($2, 3, length($2) - 3) * 1000 }
	' "$STATE/answer" >"$STATE/slice"
	wget -q -O /dev/null --post-file="$STATE/slice" "$VMAGENT_URL/api/v1/import/prometheus?extra_label=site=$SITE"
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
	touch "$STATE/alive"
	[ "$EVERY" -gt 0 ] || exit "$status"
	sleep "$EVERY" &
	wait "$!"
done
