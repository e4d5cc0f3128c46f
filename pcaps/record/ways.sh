#!/bin/bash
# ways.sh RUN_DIR [midstream|quic-ways]...: records the ways in which a hello comes; both captures, or the named ones.
#
# Two namespaces and one wire between them: stwc, a client at 10.20.4.11, and stws, its gateway with every service.
# The client's end of the wire is what tcpdump records. Needs root, iproute2, ethtool, tcpdump, openssl, curl, and
# Python with what requirements.txt names (LAB_PYTHON). Nothing is routed out of these namespaces.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(dirname "$here")
run=$1
shift
[ $# -gt 0 ] || set -- midstream quic-ways
python=${LAB_PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

# Each frame is to be one that a wire could carry, and each write a frame of its own.
plain() {
  ip netns exec "$1" ethtool -K eth0 tso off gso off tx off sg off rx off gro off >/dev/null 2>&1
  ip netns exec "$1" sysctl -qw net.ipv4.tcp_autocorking=0
}

up() {
  local ns address
  for ns in stwc stws; do
    ip netns add "$ns"
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$ns" link set lo up
  done
  ip -n stwc link add eth0 type veth peer name eth0 netns stws
  ip -n stwc link set eth0 address 02:20:04:00:00:11 up
  ip -n stws link set eth0 address 02:20:04:00:00:01 up
  plain stwc
  plain stws
  ip -n stwc addr add 10.20.4.11/24 dev eth0
  ip -n stws addr add 10.20.4.1/24 dev eth0
  ip -n stwc route add default via 10.20.4.1
  for address in 198.51.100.6{0,1,2,3}; do ip -n stws addr add "$address/32" dev lo; done
}

down() {
  local ns pid
  for ns in stwc stws; do
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill "$pid" 2>/dev/null || true; done
    ip netns del "$ns" 2>/dev/null || true
  done
}

wait_for() { # file
  for _ in $(seq 50); do
    [ -e "$1" ] && return
    sleep 0.1
  done
  echo "ways.sh: $1 does not come" >&2
  return 1
}

record() { # name server-command client-command
  local dir=$run/$1 dump
  rm -rf "$dir"
  mkdir -p "$dir"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=lab \
    -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
  trap down EXIT
  up
  ip netns exec stws "$python" "$here/$2" "$dir" 2>"$dir/server.err" &
  ip netns exec stwc tcpdump -i eth0 -s 0 -U --immediate-mode -w "$dir/raw.pcap" 2>"$dir/tcpdump.log" &
  dump=$!
  wait_for "$dir/ready"
  sleep 1
  ip netns exec stwc "$python" "$here/$3" "$dir"
  sleep 1
  kill -INT "$dump"
  wait "$dump" || true
  down
  trap - EXIT
  grep -q '^0 packets dropped by kernel' "$dir/tcpdump.log" || { echo "ways.sh: frames were lost" >&2; exit 1; }
  "$here/cut.py" "$dir/raw.pcap" "$out/$1.pcap" --after 1000000
  "$here/ways_truth.py" "$dir" "$out/$1.pcap" "$out/$1.truth.json"
}

for name in "$@"; do
  case $name in
    midstream) record midstream ways_servers.py ways_midstream.py ;;
    quic-ways) record quic-ways ways_quic_server.py ways_quic.py ;;
    *) echo "ways.sh: no capture of that name: $name" >&2; exit 2 ;;
  esac
done
