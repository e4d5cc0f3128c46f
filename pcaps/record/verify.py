#!/usr/bin/env python3
"""verify.py CAPTURE...: reads captures with tshark and compares them with the truth beside them.

Every name must be found as often as the truth says, and no other; times must be sorted, frames no longer
than a wire carries, addresses those of the lab, headers whole.
"""

import csv
import ipaddress
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

LAB = [ipaddress.ip_network(n) for n in (
    "10.20.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "fd20::/16", "2001:db8::/32", "fe80::/10", "ff02::/16", "::/128")]  # fmt: skip
FIELDS = ["frame.number", "frame.time_epoch", "frame.len", "eth.src", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "tls.handshake.extensions_server_name", "udp.srcport", "tcp.srcport",
          "dns.qry.name", "dns.qry.type", "dns.flags.response", "http.host", "_ws.malformed"]  # fmt: skip
TYPES = {"1": "A", "28": "AAAA", "65": "HTTPS"}


def packets(capture):
    words = [word for field in FIELDS for word in ("-e", field)]
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=,", *words]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    yield from csv.DictReader(lines, FIELDS, delimiter="\t")


def first(text):
    return text.split(",")[0] if text else ""


def check(capture):
    truth = json.loads(capture.with_suffix(".truth.json").read_text(encoding="utf-8"))
    wrong, found, last, longest = [], Counter(), 0.0, 0
    for p in packets(capture):
        at = float(p["frame.time_epoch"])
        if at < last:
            wrong.append(f"frame {p['frame.number']}: earlier than the one before")
        last, longest = at, max(longest, int(p["frame.len"]))
        for key in FIELDS[4:10]:
            for address in filter(None, (p[key] or "").split(",")):
                if not any(ipaddress.ip_address(address) in net for net in LAB):
                    wrong.append(f"frame {p['frame.number']}: foreign address {address}")
        if p["_ws.malformed"]:
            wrong.append(f"frame {p['frame.number']}: malformed")
        client = first(p["ip.src"]) or first(p["ipv6.src"])
        transport = "udp" if p["udp.srcport"] else "tcp"
        if name := first(p["tls.handshake.extensions_server_name"]):
            found[("quic" if transport == "udp" else "tls", transport, client, name, None)] += 1
        if p["dns.qry.name"] and first(p["dns.flags.response"]) in ("0", "False"):
            for name, kind in zip(p["dns.qry.name"].split(","), p["dns.qry.type"].split(",")):
                found[("dns", transport, client, name.lower(), TYPES.get(kind, kind))] += 1
        if p["http.host"]:
            found[("http", "tcp", client, first(p["http.host"]), None)] += 1
    if longest > 1518:
        wrong.append(f"a frame of {longest} bytes")
    wanted = Counter({(n["proto"], n["transport"], n["client_ip"], n["name"], n.get("qtype")): n["count"] for n in truth["names"]})
    wrong += [f"missing {count} of {key}" for key, count in (wanted - found).items()]
    wrong += [f"{count} too many of {key}" for key, count in (found - wanted).items()]
    per = Counter()
    for key, count in found.items():
        per[key[0]] += count
    print(f"{capture.name}: {truth['frames']} frames, longest {longest}, names {dict(per)}, {'ok' if not wrong else 'WRONG'}")
    for line in wrong:
        print("  " + line)
    return not wrong


if __name__ == "__main__":
    sys.exit(not all([check(Path(name)) for name in sys.argv[1:]]))
