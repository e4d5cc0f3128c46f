#!/bin/sh
# Fetches the ClickHouse engine that the tests of the ClickHouse store run on (libchdb 26.5.3 from npm, 167 MB), checks
# its hash and prints the path of the library. Kept in the target folder: the second call downloads nothing.
#   SHADOWTAP_NPM_REGISTRY   another registry, such as a mirror
# Exit code 2 where the engine does not run (anything but Linux on x86_64).
set -eu
cd "$(dirname "$0")/../.."

version=26.5.3
sha256=b874e449710950da3abd7e20376f7bb3387d9e03adcc7082f022be18dfdf316a
folder="$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)/chdb-$version"
library="$folder/libchdb.so"
registry="${SHADOWTAP_NPM_REGISTRY:-https://registry.npmjs.org}"
url="$registry/@chdb/lib-linux-x64-gnu/-/lib-linux-x64-gnu-$version.tgz"

if [ "$(uname -s)-$(uname -m)" != "Linux-x86_64" ]; then
    echo "the ClickHouse engine for tests is built for Linux on x86_64 alone: name a server in SHADOWTAP_TEST_CLICKHOUSE" >&2
    exit 2
fi
if [ -e "$library" ]; then
    echo "$library"
    exit
fi
mkdir -p "$folder"
archive="$folder/download.$$"
trap 'rm -f "$archive" "$archive.so"' EXIT
echo "fetching the ClickHouse engine for tests, 167 MB: $url" >&2
if ! curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$archive" "$url"; then
    echo "cannot fetch $url: without a network name a server in SHADOWTAP_TEST_CLICKHOUSE, or put libchdb.so into $folder" >&2
    exit 1
fi
if ! echo "$sha256  $archive" | sha256sum --check --status; then
    echo "$url is not the file that was expected: its SHA-256 is $(sha256sum "$archive" | cut -d' ' -f1), not $sha256" >&2
    exit 1
fi
# Named last: a library that is there is whole.
tar -xzOf "$archive" package/libchdb.so >"$archive.so"
mv "$archive.so" "$library"
echo "$library"
