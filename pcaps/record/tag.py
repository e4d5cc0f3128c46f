#!/usr/bin/env python3
"""tag.py IN OUT DEPARTMENT=VLAN...: adds 802.1Q tags to the frames of whole departments.

The department is the third byte of the lab's MAC addresses (02:20:DD:...), of the sender or of the
receiver. It is what a trunk port delivers; the lab's own bridge carries no tags.
"""

import struct
import sys

import frames


def tag(frame, vlans):
    for mac in (frame.data[6:12], frame.data[:6]):
        if mac[:2] == b"\x02\x20" and mac[2] in vlans:
            shim = struct.pack(">HH", frames.VLAN, vlans[mac[2]])
            return frame._replace(data=frame.data[:12] + shim + frame.data[12:], size=frame.size + 4)
    return frame


if __name__ == "__main__":
    wanted = dict((int(n) for n in word.split("=")) for word in sys.argv[3:])
    print(frames.write(sys.argv[2], (tag(f, wanted) for f in frames.read(sys.argv[1]))), "frames")
