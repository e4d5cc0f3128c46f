#!/usr/bin/env python3
"""cut.py IN OUT [--after N] [--keep BYTES]: cuts the long flows of a capture.

After the first N frames of a flow (both directions together) a frame keeps its headers and at least
BYTES bytes; its length on the wire stays as it was. It is what a mirror with a snap length delivers,
and it keeps captures of megabytes of upload small.
"""

import argparse
from collections import Counter

import frames


def cut(source, after, keep):
    seen = Counter()
    for frame in source:
        found = frames.headers(frame.data)
        if found.flow:
            key = frames.both_ways(found.flow)
            seen[key] += 1
            if seen[key] > after:
                frame = frame._replace(data=frame.data[: max(keep, found.length)])
        yield frame


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--after", type=int, default=60)
    parser.add_argument("--keep", type=int, default=96)
    args = parser.parse_args()
    print(args.target, frames.write(args.target, cut(frames.read(args.source), args.after, args.keep)), "frames")
