#!/usr/bin/env python3
"""shift.py IN BLOCKS OUT: maps recorded blocks onto a working week.

BLOCKS holds one JSON line per block: a client (`ip`, `mac`), the seconds in which it was recorded (`t0`
to `t1`) and the second `at` that stands for t0 in the week. A frame belongs to the block of the client
that sent or received it; its new time is `at` + (its time - t0). So within a block every interval is
the recorded one, to the microsecond, and only the distance between blocks is made up. Frames of no
block (ARP before the first session, say) are left out and counted. The result is sorted by time.
"""

import json
import sys

import frames


def load(path):
    with open(path, encoding="utf-8") as file:
        blocks = [json.loads(line) for line in file]
    for earlier, later in zip(ordered := sorted(blocks, key=lambda b: (b["ip"], b["at"])), ordered[1:]):
        if earlier["ip"] != later["ip"]:
            continue
        if earlier["at"] + earlier["t1"] - earlier["t0"] > later["at"]:
            raise SystemExit(f"blocks of {earlier['ip']} overlap in the week")
        if earlier["t0"] > later["t0"]:
            raise SystemExit(f"blocks of {earlier['ip']} were recorded out of order")
    return blocks


def offset(block):
    """What is added to a time of this block, in microseconds."""
    return round((block["at"] - block["t0"]) * 1_000_000)


def find(blocks, addresses, mac_pair, micros):
    """The block of the client that this frame is from or to."""
    for block in blocks:
        mine = block["ip"] in addresses or block["mac"] in mac_pair
        if mine and block["t0"] * 1_000_000 <= micros < block["t1"] * 1_000_000:
            return block
    return None


def mac(raw):
    return raw.hex(":")


def main(source, blocks_path, target):
    blocks = load(blocks_path)
    moved, lost = [], 0
    for frame in frames.read(source):
        macs = (mac(frame.data[:6]), mac(frame.data[6:12]))
        block = find(blocks, frames.headers(frame.data).addresses, macs, frame.micros)
        if block:
            moved.append(frame._replace(micros=frame.micros + offset(block)))
        else:
            lost += 1
    moved.sort(key=lambda f: f.micros)
    print(target, frames.write(target, moved), "frames,", lost, "outside every block")


if __name__ == "__main__":
    main(*sys.argv[1:4])
