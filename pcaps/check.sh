#!/bin/bash
# check.sh [--write]: compares each capture with its row in README.md (packets, size, names, sha256).
#
# --write renews the numbers of the rows instead, after a new recording. A pcap's packets are counted
# from its own record headers, so nothing but coreutils and python3 is needed.
set -euo pipefail
cd "$(dirname "$0")"

python3 - "${1:-}" <<'PY'
import hashlib
import json
import re
import struct
import sys
from pathlib import Path

LIMIT, TOTAL = 3_000_000, 10_000_000
ROW = re.compile(r"^\| `(?P<file>[\w.-]+\.pcap(?:ng)?)` \| (?P<packets>[\d,]+|\?) \| (?P<bytes>[\d,]+|\?) \| (?P<names>[\d /]+|\?) \| `(?P<sum>[0-9a-f]+|\?)` \|", re.M)


def packets(data):
    at, count = 0, 0
    if data[:4] == b"\xd4\xc3\xb2\xa1":
        at = 24
        while at < len(data):
            at += 16 + struct.unpack_from("<I", data, at + 8)[0]
            count += 1
    else:
        while at < len(data):
            kind, size = struct.unpack_from("<II", data, at)
            count += kind == 6  # enhanced packet block
            at += size
    if at != len(data):
        raise SystemExit(f"capture ends in the middle of a packet ({at} of {len(data)})")
    return count


def names(truth):
    """Named connections (tls, quic, http) and questions (dns), as the truth counts them."""
    rows = json.loads(truth.read_text(encoding="utf-8"))["names"]
    return " / ".join(str(sum(r["count"] for r in rows if r["proto"] == p)) for p in ("tls", "quic", "http", "dns"))


text = Path("README.md").read_text(encoding="utf-8")
files = sorted(p.name for p in Path(".").glob("*.pcap*"))
rows = {m["file"]: m for m in ROW.finditer(text)}
wrong, total = [], 0
for name in sorted(set(files) | set(rows)):
    if name not in files or name not in rows:
        wrong.append(f"{name}: {'no file' if name not in files else 'no row in README.md'}")
        continue
    data = Path(name).read_bytes()
    total += len(data)
    truth = Path(name).with_suffix(".truth.json")
    if not truth.exists():
        wrong.append(f"{name}: no truth beside it")
        continue
    is_now = (f"{packets(data):,}", f"{len(data):,}", names(truth), hashlib.sha256(data).hexdigest())
    row = rows[name]
    if len(data) >= LIMIT:
        wrong.append(f"{name}: {len(data):,} bytes, allowed are less than {LIMIT:,}")
    if is_now != row.group("packets", "bytes", "names", "sum"):
        if sys.argv[1] == "--write":
            text = text.replace(row[0], "| `{}` | {} | {} | {} | `{}` |".format(name, *is_now))
        else:
            wrong.append(f"{name}: README.md says {row.group('packets', 'bytes', 'names', 'sum')}, it has {is_now}")
if total >= TOTAL:
    wrong.append(f"together {total:,} bytes, allowed are less than {TOTAL:,}")
if sys.argv[1] == "--write":
    Path("README.md").write_text(text, encoding="utf-8")
for line in wrong:
    print(line, file=sys.stderr)
print(f"{len(files)} captures, {total:,} bytes, {'ok' if not wrong else 'not ok'}")
sys.exit(bool(wrong))
PY
