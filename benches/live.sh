#!/bin/sh
# Sends a capture over a veth pair in a network namespace of its own and compares what the sensor on the other end saw
# with what was sent.
#
#   benches/live.sh CAPTURE [SECONDS] [OPTION ...]     options for `shadowtap run`
#
# Sends the capture once as fast as it goes, or again and again for so many seconds. SENDER is the command that sends, a
# shell line with $iface, $capture and $seconds; by default tcpreplay (Debian: tcpreplay). SHADOWTAP is the binary. Needs
# root. Prints what was sent, the sensor's totals, and each 10 s its memory and open files.
set -eu
capture=$(realpath "$1")
seconds=${2:-0}
[ $# -gt 1 ] && shift
shift
shadowtap=$(realpath "${SHADOWTAP:-target/release/shadowtap}")
: "${SENDER:=tcpreplay --quiet --preload-pcap --topspeed --intf1=\$iface \$([ \$seconds = 0 ] || echo --loop=0 --duration=\$seconds) \$capture}"

namespace="stbench$$"
dir=$(mktemp -d)
ip netns add "$namespace"
sensor=
end() {
    [ -n "$sensor" ] && kill "$sensor" 2>/dev/null
    ip netns del "$namespace"
    rm -rf "$dir"
}
trap end EXIT
inside() { ip netns exec "$namespace" "$@"; }
inside sysctl -qw net.ipv6.conf.default.disable_ipv6=1
inside ip link add wire0 type veth peer name mirror0
for iface in wire0 mirror0; do inside ip link set "$iface" mtu 9000 arp off up; done

ip netns exec "$namespace" "$shadowtap" run -i mirror0 --data-dir "$dir/data" --summary "$dir/totals.json" "$@" \
    >"$dir/out" 2>"$dir/err" &
sensor=$!
until grep -q "^listening on" "$dir/err"; do
    kill -0 "$sensor" 2>/dev/null || { cat "$dir/err" >&2; exit 1; }
    sleep 0.1
done

watch() {
    while sleep 10; do
        for pid in $(pgrep -P "$sensor"); do
            half=$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -d' ' -f2)
            memory=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status")
            files=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
            cpu=$(awk '{ print ($14 + $15) / 100 }' "/proc/$pid/stat")
            printf '%s: %s MiB, %s open files, %s s of CPU\n' "$half" "$memory" "$files" "$cpu"
        done
    done
}
watch &
watching=$!
inside env iface=wire0 capture="$capture" seconds="$seconds" sh -c "$SENDER"
sleep 2
kill "$watching" 2>/dev/null || true
sent=$(inside cat /sys/class/net/wire0/statistics/tx_packets)
kill -TERM "$sensor"
wait "$sensor" || true
sensor=
cat "$dir/err" "$dir/out"
python3 - "$dir/totals.json" "$sent" <<'PYTHON'
import json, sys
totals, sent = json.load(open(sys.argv[1])), int(sys.argv[2])
lost = {place: n for place, n in totals["losses"].items() if n}
seen = totals["packets"]
print(f"sent {sent}, seen {seen}, {100 * (sent - seen) / max(sent, 1):.3f} % missing; told of: {lost or 'no loss'}")
print("names", totals["names"])
PYTHON
