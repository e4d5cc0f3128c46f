#!/bin/sh
# The main job in one command: installs what is missing (a C compiler and libpcap's headers), builds the release binary
# and takes the tour: a recorded office week, from the capture to the weekly report.
set -eu
cd "$(dirname "$0")"
. ./needs.sh

need cc gcc
need /usr/include/stdlib.h libc6-dev
need /usr/include/pcap/pcap.h libpcap-dev
install_needs

cargo build --release --locked
exec "${CARGO_TARGET_DIR:-target}/release/shadowtap" demo "$@"
