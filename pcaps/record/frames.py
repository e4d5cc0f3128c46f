"""Classic pcap files and just enough of the headers to move and cut frames."""

import socket
import struct
from typing import NamedTuple

MAGIC = b"\xd4\xc3\xb2\xa1"  # little-endian, microseconds
ARP, IPV4, IPV6, VLAN = 0x0806, 0x0800, 0x86DD, 0x8100
TCP, UDP = 6, 17


class Frame(NamedTuple):
    micros: int  # since 1970
    size: int  # on the wire
    data: bytes  # as captured


class Headers(NamedTuple):
    flow: tuple | None  # (proto, src, sport, dst, dport); None when neither TCP nor UDP
    length: int  # bytes up to the payload
    addresses: tuple  # source and destination, of the IP or ARP header
    vlan: int | None = None


def read(path):
    with open(path, "rb") as file:
        head = file.read(24)
        if head[:4] != MAGIC:
            raise SystemExit(f"{path}: not a little-endian microsecond pcap")
        while head := file.read(16):
            seconds, micros, kept, size = struct.unpack("<4I", head)
            yield Frame(seconds * 1_000_000 + micros, size, file.read(kept))


def write(path, frames):
    count = 0
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack("<HHiIII", 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            seconds, micros = divmod(frame.micros, 1_000_000)
            file.write(struct.pack("<4I", seconds, micros, len(frame.data), frame.size) + frame.data)
            count += 1
    return count


def headers(data):
    """Addresses, flow and header length of a frame that is captured at least up to its payload."""
    at, vlan = 14, None
    (kind,) = struct.unpack_from(">H", data, 12)
    if kind == VLAN:
        tag, kind = struct.unpack_from(">HH", data, 14)
        vlan = tag & 0xFFF
        at = 18
    if kind == ARP:
        return Headers(None, len(data), (socket.inet_ntoa(data[at + 14 : at + 18]), socket.inet_ntoa(data[at + 24 : at + 28])))
    if kind == IPV4:
        proto, src, dst = data[at + 9], data[at + 12 : at + 16], data[at + 16 : at + 20]
        ends, at = (socket.inet_ntoa(src), socket.inet_ntoa(dst)), at + (data[at] & 15) * 4
    elif kind == IPV6:
        proto, src, dst = data[at + 6], data[at + 8 : at + 24], data[at + 24 : at + 40]
        ends, at = (socket.inet_ntop(socket.AF_INET6, src), socket.inet_ntop(socket.AF_INET6, dst)), at + 40
    else:
        return Headers(None, len(data), ())
    if proto not in (TCP, UDP):
        return Headers(None, len(data), ends)
    sport, dport = struct.unpack_from(">HH", data, at)
    length = at + (data[at + 12] >> 4) * 4 if proto == TCP else at + 8
    return Headers((proto, ends[0], sport, ends[1], dport), length, ends, vlan)


def both_ways(flow):
    """One key for the two directions of a flow."""
    proto, src, sport, dst, dport = flow
    return (proto, *sorted([(src, sport), (dst, dport)]))
