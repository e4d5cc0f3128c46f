#!/usr/bin/env python3
"""truth.py LOG CAPTURE OUT [--blocks BLOCKS] [--runs BLOCKS] [--name NAME]: what the capture must yield.

LOG is the server's own record (truth.jsonl of labsrv): it knows each connection's name, each request and
each body byte from the application's side. BLOCKS is the driver's own record: it knows which software ran when,
and what for. Times are moved with the blocks of shift.py. Frames and
addresses of each connection are looked up in CAPTURE, so that a connection that is not in the capture
(or a frame that belongs to none) does not pass unnoticed.
"""

import argparse
import json
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path

import frames
import shift

RANK = ["none", "browse", "telemetry", "api", "chat", "upload", "voice"]
SHAPES = {"none": "idle", "browse": "page-view", "telemetry": "telemetry", "upload": "file-upload", "voice": "voice"}
NOTES = {
    "names": "one row per name, protocol and client; count = connections (tls, quic, http) or questions (dns)",
    "connections": "requests 0 = opened by the browser ahead of need and never used; kind = the strongest of its requests;"
    " prompts = chat and api requests; body_up/body_down = HTTP body bytes counted by the server, without headers and TLS",
    "client": "client = browser or program, software = its name, both from the driver; shape = what the connection was for:"
    " page-view, chat, file-upload, api-batch, agent-loop, telemetry, voice, idle (held open, nothing asked)",
    "media": "sound over UDP: datagrams and their payload bytes counted by the server; name = the one the client resolved",
    "uploads": "requests whose body the server counted and threw away",
    "frames": "frames_up/frames_down and bytes_up/bytes_down = frames and frame bytes on the wire, from the capture",
}


def iso(micros):
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def runs(path):
    """Per client address: when which software was started, and what for."""
    found = defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for block in map(json.loads, file):
            for ip in (block["ip"], block["ip6"]):
                found[ip] += block["runs"]
    return found


def run_at(known, client, micros):
    """The run of this client that was on at that time; they never overlap."""
    return max((r for r in known.get(client, []) if r["t0"] * 1_000_000 <= micros), key=lambda r: r["t0"], default=None)


def rows(log, blocks, known):
    """The log's lines with times moved into the week; lines of no block are left out."""
    with open(log, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            at = row.get("ts") or row["start"]
            row["run"] = run_at(known, row["client"], at)
            if row["run"] and row["run"]["client"] == "program" and row.get("kind") == "chat":
                row["kind"] = "api"
            if blocks is not None:
                block = shift.find(blocks, (row["client"],), (), at)
                if not block:
                    continue
                for key in ("ts", "start", "end"):
                    if key in row:
                        row[key] += shift.offset(block)
            yield row


def wire(capture):
    """Frames and bytes per direction of each flow, and the first and last time."""
    flows = defaultdict(lambda: [0, 0, None])
    times = []
    for frame in frames.read(capture):
        times.append(frame.micros)
        found = frames.headers(frame.data)
        if found.flow:
            flows[found.flow][0] += 1
            flows[found.flow][1] += frame.size
            flows[found.flow][2] = found.vlan
    return flows, times


def driven(run, kind):
    """What the driver knows of a connection; nothing without its record."""
    if not run:
        return {}
    wanted = run["shape"] or "chat"
    shape = SHAPES.get(kind, wanted)
    if wanted == "idle" and kind == "browse":
        shape = "idle"
    return {"client": run["client"], "software": run["software"], "shape": shape}


def connections(log_rows, flows):
    found = {}
    for row in log_rows:
        if row["t"] not in ("conn", "req"):
            continue
        proto = frames.UDP if row["proto"] == "quic" else frames.TCP
        key = (proto, row["client"], row["client_port"], row["server"], row["server_port"])
        conn = found.setdefault(key, {"kinds": Counter(), "prompts": 0, "body_up": 0, "body_down": 0, "name": None})
        if row["t"] == "conn":
            conn["row"] = row
            conn["name"] = conn["name"] or row["sni"]
        else:
            conn["kinds"][row["kind"]] += 1
            conn["prompts"] += row["prompts"]
            conn["body_up"] += row["up"]
            conn["body_down"] += row["down"]
            conn["name"] = row["sni"] or row["host"]
    for key, conn in sorted(found.items(), key=lambda item: item[1]["row"]["start"]):
        proto, client, client_port, server, server_port = key
        up, down = flows[key], flows[(proto, server, server_port, client, client_port)]
        if not up[0] or not down[0]:
            raise SystemExit(f"not in the capture: {key} {conn['name']}")
        row = conn["row"]
        kind = max(conn["kinds"] or ["none"], key=RANK.index)
        yield {
            "proto": row["proto"], "transport": "udp" if proto == frames.UDP else "tcp", "alpn": row["alpn"],
            "client_ip": client, "client_port": client_port, "server_ip": server, "server_port": server_port,
            "vlan": up[2], "name": conn["name"], "kind": kind, **driven(row["run"], kind), "requests": row["requests"],
            "kinds": dict(sorted(conn["kinds"].items())), "prompts": conn["prompts"],
            "body_up": conn["body_up"], "body_down": conn["body_down"],
            "frames_up": up[0], "bytes_up": up[1], "frames_down": down[0], "bytes_down": down[1],
            "start": iso(row["start"]), "end": iso(row["end"]),
        }  # fmt: skip


def names(conns, log_rows):
    count = Counter()
    for conn in conns:
        if conn["name"] and (conn["proto"] != "http" or conn["requests"]):
            count[(conn["proto"], conn["transport"], conn["client_ip"], conn["name"], None)] += 1
    for row in log_rows:
        if row["t"] == "dns":
            count[("dns", row["transport"], row["client"], row["name"], row["qtype"])] += 1
    for (proto, transport, client, name, qtype), seen in sorted(count.items(), key=str):
        entry = {"proto": proto, "transport": transport, "client_ip": client, "name": name, "count": seen}
        yield entry | ({"qtype": qtype} if qtype else {})


def uploads(log_rows):
    for row in sorted((r for r in log_rows if r["t"] == "req" and r["kind"] == "upload"), key=lambda r: r["start"]):
        yield {"client_ip": row["client"], "client_port": row["client_port"], "name": row["host"], "proto": row["proto"],
               "bytes": row["up"], "start": iso(row["start"]), "end": iso(row["end"])}  # fmt: skip


def media(log_rows, flows):
    for row in sorted((r for r in log_rows if r["t"] == "media"), key=lambda r: r["start"]):
        key = (frames.UDP, row["client"], row["client_port"], row["server"], row["server_port"])
        up, down = flows[key], flows[(frames.UDP, *key[3:], *key[1:3])]
        yield {
            "transport": "udp", "client_ip": key[1], "client_port": key[2], "server_ip": key[3], "server_port": key[4],
            "name": row["sni"], "kind": "voice", **driven(row["run"], "voice"), "prompts": 0,
            "datagrams_up": row["packets_up"], "datagrams_down": row["packets_down"], "body_up": row["up"], "body_down": row["down"],
            "frames_up": up[0], "bytes_up": up[1], "frames_down": down[0], "bytes_down": down[1],
            "start": iso(row["start"]), "end": iso(row["end"]),
        }  # fmt: skip


def unexplained(conns, flows, log_rows):
    """TCP and UDP flows of the capture that the log does not know."""
    known = {(c["client_ip"], c["client_port"]) for c in conns}
    known |= {(r["client"], r["client_port"]) for r in log_rows if r["t"] in ("dns", "media")}
    return sorted({f for f in flows if (f[1], f[2]) not in known and (f[3], f[4]) not in known})


def main(args):
    blocks = shift.load(args.blocks) if args.blocks else None
    log_rows = list(rows(args.log, blocks, runs(args.runs) if args.runs else {}))
    flows, times = wire(args.capture)
    log_rows = [r for r in log_rows if times[0] - 1_000_000 <= (r.get("ts") or r["start"]) <= times[-1]]
    conns = list(connections(log_rows, flows))
    strangers = unexplained(conns, flows, log_rows)
    truth = {
        "capture": args.name or Path(args.capture).name, "frames": len(times), "first": iso(times[0]), "last": iso(times[-1]),
        "notes": NOTES, "names": list(names(conns, log_rows)), "uploads": list(uploads(log_rows)), "connections": conns,
        "media": list(media(log_rows, flows)),
        "other_flows": [list(f) for f in strangers],
    }  # fmt: skip
    Path(args.out).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    kinds = Counter(c["kind"] for c in conns)
    print(args.out, len(conns), "connections", dict(kinds), len(truth["uploads"]), "uploads,", len(strangers), "other flows")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("capture")
    parser.add_argument("out")
    parser.add_argument("--blocks")
    parser.add_argument("--runs")
    parser.add_argument("--name")
    main(parser.parse_args())
