#!/usr/bin/env python3
"""ways_servers.py RUN_DIR: servers in front of which a TLS hello begins in the middle of a stream.

Each speaks the plain part of its protocol and then shakes hands for real, on its own port. What it saw goes to
RUN_DIR/log.jsonl: the ends of the connection, and the name that OpenSSL found in the hello or the Host that was
asked for. A proxy is the far end of its own tunnels: nothing behind it would be on the recorded wire anyway.
"""

import socket
import threading

from ways_talk import STARTTLS, amqp, ldap, mysql, postgres, rdp, starttls, tds, telnet, vnc, xmpp
from ways_wire import ANSWER, DIRECT, GATEWAY, RUN, SERVICES, Wire


def balanced(wire):
    """Behind a load balancer: PROXY protocol, version 1 or 2, before the hello."""
    if (first := wire.take(12)) == b"\r\n\r\n\0\r\nQUIT\n":
        wire.take(int.from_bytes(wire.take(4)[2:], "big"))
    else:
        assert first.startswith(b"PROXY "), first
        wire.until(b"\r\n")
    wire.tls()


def fields(head):
    """The request line and the fields of a head."""
    first, *rest = head.decode().split("\r\n")
    return first.split(), {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in rest)}


def proxy(wire):
    """An HTTP proxy: tunnels, and plain requests one after the other."""
    while True:
        try:
            (method, target, _), head = fields(wire.until(b"\r\n\r\n"))
        except EOFError:
            return
        if method == "CONNECT":
            break
        wire.row["proto"] = "http"
        wire.named(head["host"])
        wire.send(ANSWER)
    wire.row["connect"] = host = target.rsplit(":", 1)[0]
    if target.startswith("asks-who.") and "proxy-authorization" not in head:
        wire.send(b'HTTP/1.1 407 Who is it\r\nProxy-Authenticate: Basic realm="lab"\r\nContent-Length: 0\r\n\r\n')
        wire.until(b"\r\n\r\n")
    wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    if wire.sock.recv(1, socket.MSG_PEEK) == b"\x16":
        return wire.tls()
    # Something else is in the tunnel: whom it was for is all that can be known.
    wire.row["proto"] = "http"
    wire.named(host)
    while data := wire.sock.recv(16384):
        wire.send(data[::-1])


def http(wire):
    """Gives back the body that it gets."""
    _, head = fields(wire.until(b"\r\n\r\n"))
    wire.row["proto"] = "http"
    wire.named(head["host"])
    body = wire.take(int(head["content-length"]))
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    wire.send(body)


def socks(wire):
    version = wire.take(1)
    if version == b"\x04":
        wire.take(7)
        wire.until(b"\0")
        wire.until(b"\0")  # 4a: the name after the user
        wire.send(b"\0\x5a" + bytes(6))
        return wire.tls()
    methods = wire.take(wire.take(1)[0])
    method = b"\x02" if b"\x02" in methods else b"\0"
    wire.send(b"\x05" + method)
    if method == b"\x02":
        wire.take(1)
        wire.take(wire.take(1)[0])
        wire.take(wire.take(1)[0])
        wire.send(b"\x01\0")
    wire.expect(b"\x05\x01\0\x03")
    wire.take(wire.take(1)[0] + 2)
    wire.send(b"\x05\0\0\x01" + bytes(6))
    wire.tls()


def places():
    """Address, port, name of the way, and who serves it."""
    for name, (port, script) in STARTTLS.items():
        yield SERVICES, port, name, starttls(script)
    for port, serve in [(5222, xmpp), (3306, mysql), (5432, postgres), (389, ldap), (23, telnet), (3389, rdp), (5672, amqp),
                        (5900, vnc), (1433, tds), (80, http), (444, balanced)]:  # fmt: skip
        yield SERVICES, port, serve.__name__, serve
    yield GATEWAY, 3128, "proxy", proxy
    yield GATEWAY, 1080, "socks", socks
    for port in (443, 53, 25):
        yield DIRECT, port, "tls", Wire.tls
    yield DIRECT, 8443, "tls", lambda wire: wire.tls("secp384r1")


def serve(listener, way, handle):
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=one, args=(sock, way, handle), daemon=True).start()


def one(sock, way, handle):
    wire = Wire(sock, way)
    try:
        handle(wire)
    except (OSError, EOFError, ValueError, AssertionError) as error:  # the log says it, and the truth will miss the connection
        wire.row["error"] = repr(error)
    wire.close()


if __name__ == "__main__":
    for address, port, way, handle in places():
        listener = socket.create_server((address, port))
        threading.Thread(target=serve, args=(listener, way, handle), daemon=True).start()
    (RUN / "ready").touch()
    threading.Event().wait()
