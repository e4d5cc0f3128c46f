#!/bin/sh
# All tests in one command: installs what is missing for them, then runs them. What a machine does not allow (network
# namespaces without root) is skipped with a message; with SHADOWTAP_CI=1 nothing may be skipped.
#   SHADOWTAP_CORPUS   folder of third-party captures with ground truth, not part of this repository
set -eu
cd "$(dirname "$0")"
. ./needs.sh

need cc gcc
need /usr/include/stdlib.h libc6-dev
need /usr/include/pcap/pcap.h libpcap-dev
need ip iproute2
need sysctl procps
need mount mount
need /usr/sbin/rsyslogd rsyslog
install_needs

PATH="$PATH:/usr/sbin:/sbin"
exec cargo test --workspace --locked "$@"
