#!/bin/bash
# capture.sh RUN_DIR COMMAND...: records the sensor's port into RUN_DIR/raw.pcap while COMMAND runs.
set -euo pipefail
run=$1
shift
ip netns exec stsw tcpdump -i span -s 0 -B 65536 -w "$run/raw.pcap" 2>"$run/tcpdump.log" &
dump=$!
sleep 1
status=0
"$@" || status=$?
sleep 1
kill -INT "$dump"
wait "$dump" || true
tail -3 "$run/tcpdump.log"
grep -q '^0 packets dropped by kernel' "$run/tcpdump.log" || { echo "capture.sh: frames were lost" >&2; exit 1; }
exit "$status"
