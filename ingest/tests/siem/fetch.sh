#!/bin/sh
# Fetches the syslog receivers that the tests send to and that cannot be installed beside rsyslog: syslog-ng, which
# conflicts with it, and rsyslog's TLS driver of the version that is installed. They come from the Debian or Ubuntu
# archive that this machine is set up for, checked by apt against the archive's signature; nothing is installed and
# nothing needs root. Prints the folder. Kept in the target folder: the second call downloads nothing.
#   syslog-ng   starts syslog-ng with its own modules and libraries
#   modules     rsyslog's TLS driver
# Exit code 2 where there is no apt.
set -eu
cd "$(dirname "$0")/../../.."

target="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)"
folder="$target/syslog-receivers"
if [ -e "$folder/syslog-ng" ]; then
    echo "$folder"
    exit
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "this is neither Debian nor Ubuntu: no syslog-ng and no TLS driver of rsyslog for the tests" >&2
    exit 2
fi
work="$folder.$$"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/archives/partial" "$work/lists/partial" "$work/root" "$folder"

apt() {
    apt-get --quiet=2 --option Debug::NoLocking=1 --option APT::Sandbox::User=root \
        --option Dir::Cache::archives="$work/archives/" "$@" >"$work/said" 2>&1
}
# syslog-ng with what this machine lacks of what it needs; downloading alone removes nothing.
fetch() {
    version="$(dpkg-query --show --showformat '${Version}' rsyslog 2>/dev/null || true)"
    apt "$@" install --yes --download-only --no-install-recommends --reinstall syslog-ng-core &&
        (cd "$work/archives" && apt "$@" download "rsyslog-openssl${version:+=$version}")
}
echo "fetching syslog-ng and rsyslog's TLS driver for tests with apt, 2 MB" >&2
# Where apt has no lists, or old ones, fetch them into a folder of our own.
if ! fetch && ! { apt --option Dir::State::lists="$work/lists/" update && fetch --option Dir::State::lists="$work/lists/"; }; then
    echo "cannot fetch syslog-ng-core and rsyslog-openssl:" >&2
    cat "$work/said" >&2
    exit 1
fi
for package in "$work"/archives/*.deb; do
    dpkg --extract "$package" "$work/root"
done
mkdir -p "$folder/modules"
find "$work/root" -name lmnsd_ossl.so -exec cp {} "$folder/modules/" \;
rm -rf "$folder/root"
mv "$work/root" "$folder/root"
cd "$folder"
modules="$(dirname "$(find root -name libaffile.so)")"
# The start script expands $here.
# shellcheck disable=SC2016
libraries="$(find root -name '*.so.*' -exec dirname {} + | sort -u | sed 's,^,$here/,' | paste -s -d: -)"
# Named last: a program that is there is whole.
cat >"$work/start" <<END
#!/bin/sh
here="\$(cd "\$(dirname "\$0")" && pwd)"
LD_LIBRARY_PATH="$libraries" exec "\$here/root/usr/sbin/syslog-ng" --module-path="\$here/$modules" "\$@"
END
chmod +x "$work/start"
mv "$work/start" "$folder/syslog-ng"
echo "$folder"
