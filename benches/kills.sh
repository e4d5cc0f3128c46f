#!/bin/sh
# Kills the halves of a sensor in turn, each 10 s, while a capture is sent again and again; then asks the store whether
# every frame that was sent is in a minute or counted as lost.
#
#   benches/kills.sh CAPTURE [SECONDS]       300 seconds by default
#
# At 40 s `deliver` stands still for 25 s (SIGSTOP), at 100 s the disk is full for 25 s: the data directory is a small
# file system of its own. SENDER and SHADOWTAP as for live.sh; needs root, python3 and a kernel with tmpfs.
set -eu
capture=$(realpath "$1")
seconds=${2:-300}
shadowtap=$(realpath "${SHADOWTAP:-target/release/shadowtap}")
: "${SENDER:=tcpreplay --quiet --preload-pcap --pps=50000 --intf1=\$iface --loop=0 --duration=\$seconds \$capture}"

namespace="stkill$$"
dir=$(mktemp -d)
mount -t tmpfs -o size=400m tmpfs "$dir"
ip netns add "$namespace"
run='' sender=''
end() {
    for pid in $run $sender; do kill "$pid" 2>/dev/null || true; done
    for pid in $run $sender; do wait "$pid" 2>/dev/null || true; done
    ip netns del "$namespace"
    umount -l "$dir" && rmdir "$dir"
}
trap end EXIT
inside() { ip netns exec "$namespace" "$@"; }
inside sysctl -qw net.ipv6.conf.default.disable_ipv6=1
inside ip link add wire0 type veth peer name mirror0
for iface in wire0 mirror0; do inside ip link set "$iface" mtu 9000 arp off up; done

printf '[spool]\nmax_mb = 128\nmin_free_mb = 16\n' >"$dir/config.toml"
ip netns exec "$namespace" "$shadowtap" run -i mirror0 --mirror plain --config "$dir/config.toml" --data-dir "$dir/data" \
    >"$dir/out" 2>"$dir/err" &
run=$!
until grep -q "^listening on" "$dir/err"; do
    kill -0 "$run" 2>/dev/null || { cat "$dir/err" >&2; exit 1; }
    sleep 0.1
done
ip netns exec "$namespace" env iface=wire0 capture="$capture" seconds="$seconds" sh -c "$SENDER" >"$dir/sent" 2>&1 &
sender=$!

half() { pgrep -P "$run" -f "^[^ ]* $1 " || true; }
at=0 kills=0
while [ "$at" -lt "$seconds" ]; do
    sleep 10
    at=$((at + 10))
    case $at in
    40) kill -STOP "$(half deliver)" || true; echo "$at s: deliver stands still"; continue ;;
    50 | 60) continue ;;
    70) kill -CONT "$(half deliver)" || true; echo "$at s: deliver goes on" ;;
    100) fallocate -l 380m "$dir/full" 2>/dev/null || dd if=/dev/zero of="$dir/full" bs=1M 2>/dev/null || true
        echo "$at s: the disk is full"; continue ;;
    110 | 120) continue ;;
    130) rm -f "$dir/full"; echo "$at s: there is room again" ;;
    esac
    who=sense
    [ $((at / 10 % 2)) = 0 ] && who=deliver
    for pid in $(half $who); do kill -KILL "$pid" && kills=$((kills + 1)); done
done
wait "$sender" || true
sender=
# Whoever was killed often is started again after a minute at most.
sleep 70
sent=$(inside cat /sys/class/net/wire0/statistics/tx_packets)
kill -TERM "$run"
wait "$run" || true
run=
sort "$dir/err" | uniq -c | sort -rn | head -20
echo "$kills kills"
python3 - "$dir/data/shadowtap.db" "$sent" <<'PYTHON'
import sqlite3, sys
store, sent = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
seen, = store.execute("SELECT sum(frames) FROM minute").fetchone()
lost = dict(store.execute("SELECT word, sum(packets) FROM minute_drop GROUP BY word"))
packets = sum(n for word, n in lost.items() if not word.startswith("spool") and word != "file")
twice = store.execute("SELECT count(*) FROM (SELECT flow_id FROM flow GROUP BY flow_id, seq HAVING count(*) > 1)").fetchone()[0]
print(f"sent {sent}; in minutes {seen}, counted as lost {lost}")
print(f"accounted for {100 * (seen + packets) / sent:.3f} %; flow records stored twice: {twice}")
PYTHON
