#!/bin/bash
# record.sh [RUN_DIR] [CAPTURE...]: records the captures of the parent folder again, all or the named ones.
#
# Needs root on Linux with network namespaces; Debian: iproute2 nftables ethtool tcpdump tshark jq openssl curl
# chromium libnss3-tools knot-dnsutils nodejs npm python3-venv, and cargo. Tools and raw captures stay in RUN_DIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(dirname "$here")
run=${1:-/tmp/lab-run}
shift || true
[ $# -gt 0 ] || set -- office-week browser-tcp browser-quic clients-vlan-v6 shapes-tcp shapes-quic midstream quic-ways
mkdir -p "$run"
run=$(cd "$run" && pwd)
export LABSRV=$run/target/debug/labsrv LAB_NODE=$run LAB_PYTHON=$run/venv/bin/python PYTHONDONTWRITEBYTECODE=1

prepare() {
  CARGO_TARGET_DIR=$run/target cargo build --quiet --locked --manifest-path "$here/labsrv/Cargo.toml"
  [ -x "$LAB_PYTHON" ] || { python3 -m venv "$run/venv" && "$LAB_PYTHON" -m pip install --quiet -r "$here/requirements.txt"; }
  [ -d "$run/node_modules/puppeteer-core" ] || { cp "$here/package.json" "$run" && npm install --silent --prefix "$run"; }
}

record() { # name command...: one lab, one capture, lab gone again
  local name=$1 status=0
  shift
  rm -rf "${run:?}/$name"
  mkdir "$run/$name"
  trap '"$here/lab.sh" down "$run/'"$name"'"' EXIT # also when interrupted
  "$here/lab.sh" up "$run/$name" || status=$?
  [ $status -ne 0 ] || timeout 600 "$here/capture.sh" "$run/$name" "$@" || status=$?
  "$here/lab.sh" down "$run/$name"
  return $status
}

office_week() {
  record office-week "$here/office_week.py" "$run/office-week"
  cd "$run/office-week"
  "$here/shift.py" raw.pcap blocks.jsonl shifted.pcap
  "$here/cut.py" shifted.pcap "$out/office-week.pcap" --after 24 --keep 66
  "$here/truth.py" truth.jsonl "$out/office-week.pcap" "$out/office-week.truth.json" --blocks blocks.jsonl --runs blocks.jsonl
}

browser() { # name
  record "$1" "$here/short_runs.py" "$run/$1" "$1"
  cd "$run/$1"
  "$here/cut.py" raw.pcap "$out/$1.pcap" --after 120 --keep 96
  "$here/truth.py" truth.jsonl "$out/$1.pcap" "$out/$1.truth.json" --runs blocks.jsonl
}

shapes() { # name
  LAB_BROWSERS=8 record "$1" "$here/shapes.py" "$run/$1" "$1"
  cd "$run/$1"
  "$here/cut.py" raw.pcap "$out/$1.pcap" --after 40 --keep 72
  "$here/truth.py" truth.jsonl "$out/$1.pcap" "$out/$1.truth.json" --runs blocks.jsonl
}

clients_vlan_v6() {
  LAB_V6=1 record clients-vlan-v6 "$here/short_runs.py" "$run/clients-vlan-v6" clients-vlan-v6
  cd "$run/clients-vlan-v6"
  "$here/cut.py" raw.pcap cut.pcap --after 120 --keep 96
  # Engineering and Support come over a trunk, Finance over an access port.
  "$here/tag.py" cut.pcap tagged.pcap 2=20 3=30
  editcap -F pcapng tagged.pcap "$out/clients-vlan-v6.pcapng"
  "$here/truth.py" truth.jsonl tagged.pcap "$out/clients-vlan-v6.truth.json" --runs blocks.jsonl --name clients-vlan-v6.pcapng
}

prepare
for name in "$@"; do
  case $name in
    office-week) (office_week) ;;
    browser-tcp | browser-quic) (browser "$name") ;;
    clients-vlan-v6) (clients_vlan_v6) ;;
    shapes-tcp | shapes-quic) (shapes "$name") ;;
    midstream | quic-ways) "$here/ways.sh" "$run" "$name" ;;
    *) echo "record.sh: no capture of that name: $name" >&2; exit 2 ;;
  esac
done
# tshark does not look for a hello in the middle of any stream, nor on any port.
captures=()
for file in "$out"/*.pcap*; do
  case $file in
    */midstream.pcap | */quic-ways.pcap) ;;
    *) captures+=("$file") ;;
  esac
done
"$here/verify.py" "${captures[@]}"
"$out/check.sh" || echo "record.sh: the table of README.md has to be renewed (check.sh --write)" >&2
