#!/usr/bin/env python3
"""ways_truth.py RUN_DIR CAPTURE OUT: what a capture of ways.sh must yield.

Ends, names and times come from the server's log, what is special from the client's plan. Frames are counted in the
capture, so that a connection that is not in it, or a frame that belongs to none, does not pass unnoticed.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import frames
from truth import iso, wire

NOTES = {
    "names": "one row per name, protocol and client; count = connections",
    "connections": "name = what a passive sensor must find, from the server's log; names = where one connection has several;"
    " note = what is special, from the client; connect = the host that a proxy was asked for, in which no more than"
    " an http name may be seen beside the hello's; moved = the client's later port on the same connection, and whether it went on"
    " with the connection id that it had",
    "frames": "frames_up/frames_down and bytes_up/bytes_down = frames and frame bytes on the wire, from the capture; connections on the same ports"
    " have the same numbers, of all of them",
}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def connections(log, plan, flows):
    """One row per line of the log; each must be planned, and each plan must have come true."""
    waiting = list(plan)
    for row in sorted(log, key=lambda row: row["start"]):
        if row.get("error") or not row["names"]:
            raise SystemExit(f"the server says {row}")
        name = row["names"][0]
        planned = next((one for one in waiting if one["name"] == name), None) or sys.exit(f"nobody planned {row}")
        waiting.remove(planned)
        transport = "udp" if row["proto"] == "quic" else "tcp"
        up, down = ends(row, row["client_port"], transport, flows)
        yield {
            "proto": row["proto"], "transport": transport, "alpn": row["alpn"],
            "client_ip": row["client"], "client_port": row["client_port"], "server_ip": row["server"],
            "server_port": row["server_port"], "name": name, "names": row["names"], "note": planned["note"],
            **({"connect": row["connect"]} if "connect" in row else {}), **moved(planned, row, transport, flows),
            "frames_up": up[0], "bytes_up": up[1], "frames_down": down[0], "bytes_down": down[1],
            "start": iso(row["start"]), "end": iso(row["end"]),
        }  # fmt: skip
    if waiting:
        raise SystemExit(f"not in the server's log: {waiting}")


def ends(row, port, transport, flows):
    proto = frames.UDP if transport == "udp" else frames.TCP
    key = (proto, row["client"], port, row["server"], row["server_port"])
    up, down = flows[key], flows[(proto, *key[3:], *key[1:3])]
    if not up[0] or not down[0]:
        raise SystemExit(f"not in the capture: {key} {row['names']}")
    return up, down


def moved(planned, row, transport, flows):
    if "moved" not in planned:
        return {}
    up, down = ends(row, planned["moved"]["client_port"], transport, flows)
    return {"moved": planned["moved"] | {"frames_up": up[0], "frames_down": down[0]}}


def names(conns):
    count = Counter((conn["proto"], conn["transport"], conn["client_ip"], name) for conn in conns for name in conn["names"])
    for (proto, transport, client, name), seen in sorted(count.items()):
        yield {"proto": proto, "transport": transport, "client_ip": client, "name": name, "count": seen}


def strangers(conns, flows, client):
    known = {conn["client_port"] for conn in conns} | {conn["moved"]["client_port"] for conn in conns if "moved" in conn}
    for flow in sorted(flows):
        port = flow[2] if flow[1] == client else flow[4]
        if port not in known:
            yield list(flow)


def main(run, capture, out):
    flows, times = wire(capture)
    conns = list(connections(lines(run / "log.jsonl"), lines(run / "plan.jsonl"), flows))
    truth = {
        "capture": capture.name, "frames": len(times), "first": iso(times[0]), "last": iso(times[-1]), "notes": NOTES,
        "names": list(names(conns)), "uploads": [], "connections": conns, "media": [],
        "other_flows": list(strangers(conns, flows, conns[0]["client_ip"])),
    }  # fmt: skip
    out.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    print(out, len(conns), "connections,", len(truth["other_flows"]), "flows of other kinds")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
