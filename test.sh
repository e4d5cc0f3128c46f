#!/bin/sh
# All tests in one command: installs what is missing for them, then runs them. What a machine does not allow (network
# namespaces without root) is skipped with a message; with SHADOWTAP_CI=1 nothing may be skipped.
#   SHADOWTAP_CORPUS            folder of third-party captures with ground truth, not part of this repository
#   SHADOWTAP_TEST_CLICKHOUSE   a ClickHouse server for the store's tests (docs/clickhouse.md), instead of the engine that
#                               is fetched for them (167 MB, once)
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
need mandoc mandoc
need systemd-analyze systemd
need curl curl
need python3 python3
python3 -c 'import ensurepip, venv' 2>/dev/null || need "/none of python's venv" python3-venv
python3 -m pip --version >/dev/null 2>&1 || need "/none of python's pip" python3-pip
install_needs
if [ -z "${SHADOWTAP_TEST_CLICKHOUSE:-}${SHADOWTAP_TEST_ENGINE:-}" ]; then
    # Without it the tests on ClickHouse say that they are skipped, and fail where nothing may be skipped.
    SHADOWTAP_TEST_ENGINE="$(tests/clickhouse/fetch.sh)" && export SHADOWTAP_TEST_ENGINE
fi
# Without it the tests on syslog-ng and on TLS say that they are skipped, and fail where nothing may be skipped.
SHADOWTAP_TEST_SYSLOG="$(ingest/tests/siem/fetch.sh)" && export SHADOWTAP_TEST_SYSLOG

PATH="$PATH:/usr/sbin:/sbin"
exec cargo test --workspace --locked "$@"
