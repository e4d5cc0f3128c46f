#!/usr/bin/env python3
"""ways_midstream.py RUN_DIR: clients whose TLS hello begins in the middle of a stream, or comes in odd pieces.

One connection after the other, each with a name of its own. RUN_DIR/plan.jsonl says for each name what is special.
"""

import contextlib
import json
import socket
import ssl
import time

from ways_client import PROXY, Client, curl, exactly, head, recut, s_client, trusting, tunnel, until
from ways_talk import AMQP_TLS, STARTTLS, TDS_PRELOGIN, tds_packet
from ways_wire import DIRECT, GATEWAY, RUN, SERVICES


def plain(name):
    s_client(DIRECT, 443, name)


def starttls(kind, port):
    def go(name):
        s_client(SERVICES, port, name, "-starttls", kind)

    return go


def curl_through(*words):
    def go(name):
        curl(*words, f"https://{name}/")

    return go


def connect_to_address(name):
    curl("-x", PROXY, "--connect-to", f"{name}:443:{SERVICES}:443", f"https://{name}/")


def tiny_start(name):
    client = tunnel(name)
    hello = client.hello()
    client.pieces([hello[:5], hello[5:]], 0.03)
    client.done()


def head_and_hello(name):
    """A client that does not wait for the proxy's answer."""
    client = Client(GATEWAY, 3128, name)
    client.sock.sendall(head(name) + client.hello())
    until(client.sock, b"\r\n\r\n")
    client.done()


def head_in_two(name):
    """The head of CONNECT ends in a second segment, and the hello begins in it."""
    client = Client(GATEWAY, 3128, name)
    whole = head(name) + client.hello()
    client.pieces([whole[:30], whole[30:]], 0.03)
    until(client.sock, b"\r\n\r\n")
    client.done()


def no_tls(count):
    """A tunnel that carries a protocol of its own, in so many messages each way."""

    def go(name):
        with socket.create_connection((GATEWAY, 3128)) as sock:
            sock.sendall(head(name))
            until(sock, b"\r\n\r\n")
            for at in range(count):
                message = b"\x00\x00\x02\x00" + bytes((at * 7 + i) % 251 for i in range(300))
                sock.sendall(message)
                exactly(sock, len(message))

    return go


def keep_alive(name):
    hosts = [name, name.replace("first", "second"), "chat.deepseek.com"]
    curl("-x", PROXY, *[word for host in hosts for word in ("-o", "/dev/null", f"http://{host}/")])


def in_a_body(name):
    """A hello that somebody sends as a file, and gets back as a file: no connection to the name in it."""
    file = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        trusting().wrap_bio(ssl.MemoryBIO(), file, server_hostname="in-a-file.example").do_handshake()
    hello = file.read()
    with socket.create_connection((SERVICES, 80)) as sock:
        sock.sendall(b"POST /captures HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (name.encode(), len(hello)))
        time.sleep(0.03)
        sock.sendall(hello)
        until(sock, b"\r\n\r\n")
        exactly(sock, len(hello))


def rdp(name):
    client = Client(SERVICES, 3389, name)
    cookie = b"Cookie: mstshash=lab\r\n" + bytes.fromhex("0100080003000000")
    client.say(b"\x03\0" + (11 + len(cookie)).to_bytes(2, "big") + bytes([6 + len(cookie)]) + b"\xe0\0\0\0\0\0" + cookie, 19)
    client.pieces([client.hello()])
    client.done()


def amqp(name):
    client = Client(SERVICES, 5672, name)
    client.say(AMQP_TLS, len(AMQP_TLS))
    client.done()


def vnc(name):
    client = Client(SERVICES, 5900, name)
    exactly(client.sock, 12)
    client.say(b"RFB 003.008\n", 2)
    client.say(b"\x13", 2)
    client.say(b"\x00\x02", 6)
    client.say((260).to_bytes(4, "big"), 1)
    client.done()


def tds(name):
    client = Client(SERVICES, 1433, name)
    client.say(tds_packet(TDS_PRELOGIN))
    packet(client.sock)
    client.done(tds_packet, lambda: packet(client.sock))


def packet(sock):
    return exactly(sock, int.from_bytes(exactly(sock, 8)[2:4], "big") - 8)


def proxy_v1(name):
    curl("--haproxy-protocol", "--connect-to", f"{name}:443:{SERVICES}:444", f"https://{name}/")


def proxy_v2(name):
    """Header and hello in one segment, as a balancer sends them."""
    client = Client(SERVICES, 444, name)
    ends = socket.inet_aton("10.20.4.99") + socket.inet_aton(SERVICES) + (51515).to_bytes(2, "big") + (444).to_bytes(2, "big")
    client.sock.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(ends).to_bytes(2, "big") + ends + client.hello())
    client.done()


def another_hello(name):
    s_client(DIRECT, 8443, name, "-groups", "P-256:P-384")


def large(size):
    """A hello that offers so many bytes of protocols that nobody speaks."""

    def go(name):
        fillers = [f"lab-filler-{at:04}-".ljust(200, "x") for at in range(size // 201)]
        client = Client(DIRECT, 443, name, alpn=[*fillers, "http/1.1"])
        client.done()

    return go


def byte_by_byte(name):
    client = Client(DIRECT, 443, name, small=True)
    client.pieces([bytes([byte]) for byte in client.hello()])
    client.done()


def byte_by_byte_in_tunnel(name):
    """More segments than a hello has ever had, and the rest in one."""
    client = tunnel(name, small=True)
    hello = client.hello()
    client.pieces([bytes([byte]) for byte in hello[:100]] + [hello[100:]])
    client.done()


def small_records(name):
    client = Client(DIRECT, 443, name, small=True)
    client.sock.sendall(recut(client.hello(), 10))
    client.done()


def direct(port):
    return lambda name: s_client(DIRECT, port, name)


# Name, what is special, and who does it.
WAYS = [
    ("plain.example", "plain: the hello is the first that is sent", plain),
    *[(f"{kind}.example", f"STARTTLS of {kind}", starttls(kind, port)) for kind, (port, _) in STARTTLS.items()],
    ("xmpp.example", "STARTTLS of xmpp", starttls("xmpp", 5222)),
    ("mysql.example", "STARTTLS of mysql: the server speaks first, in binary", starttls("mysql", 3306)),
    ("postgres.example", "STARTTLS of postgres: one byte of the server allows it", starttls("postgres", 5432)),
    ("ldap.example", "STARTTLS of ldap", starttls("ldap", 389)),
    ("telnet.example", "STARTTLS of telnet", starttls("telnet", 23)),
    ("rdp.example", "RDP: X.224 request with negotiation", rdp),
    ("amqp.example", "AMQP 1.0: protocol header for TLS", amqp),
    ("vnc.example", "RFB with VeNCrypt", vnc),
    ("tds.example", "TDS 7: the hello inside a packet of TDS", tds),
    ("balanced.example", "PROXY protocol version 1", proxy_v1),
    ("api.cohere.com", "PROXY protocol version 2, header and hello in one segment", proxy_v2),
    ("api.openai.com", "HTTP CONNECT", curl_through("-x", PROXY)),
    ("api.x.ai", "HTTP CONNECT to an address: the name is the hello's", connect_to_address),
    ("asks-who.example", "HTTP CONNECT refused with 407, asked again on the same connection",
     curl_through("-x", PROXY, "--proxy-anyauth", "-U", "lab:secret")),
    ("claude.ai", "HTTP CONNECT, the hello's first five bytes alone", tiny_start),
    ("api.anthropic.com", "HTTP CONNECT, head and hello in one segment", head_and_hello),
    ("api.groq.com", "HTTP CONNECT, head in two segments, the hello behind it in the second", head_in_two),
    ("bytes-in-tunnel.example", "HTTP CONNECT, then the hello's first hundred bytes one by one", byte_by_byte_in_tunnel),
    ("api.deepseek.com", "HTTP CONNECT, no TLS inside: the name is the CONNECT host", no_tls(10)),
    ("git.example", "HTTP CONNECT, no TLS inside: the name is the CONNECT host", no_tls(2)),
    ("first.example", "three plain requests through a proxy on one connection", keep_alive),
    ("upload.example", "plain HTTP whose bodies, both ways, are a hello: only the Host is a name", in_a_body),
    ("chatgpt.com", "SOCKS4a", curl_through("--socks4a", f"{GATEWAY}:1080")),
    ("api.mistral.ai", "SOCKS5", curl_through("--socks5-hostname", f"{GATEWAY}:1080")),
    ("socks-user.example", "SOCKS5 with user and password", curl_through("--socks5-hostname", f"lab:secret@{GATEWAY}:1080")),
    ("again.example", "HelloRetryRequest: two hellos on one connection", another_hello),
    ("large-16k.example", "a hello of nearly 16 KB in one record", large(15_800)),
    ("large-60k.example", "a hello of nearly 60 KB in four records", large(59_600)),
    ("www.perplexity.ai", "the hello byte by byte", byte_by_byte),
    ("records.example", "the hello in records of ten bytes", small_records),
    ("port-53.example", "TLS on port 53", direct(53)),
    ("port-25.example", "TLS on port 25 without STARTTLS", direct(25)),
]  # fmt: skip

if __name__ == "__main__":
    with open(RUN / "plan.jsonl", "w", encoding="utf-8") as plan:
        for name, note, go in WAYS:
            print(json.dumps({"name": name, "note": note}), file=plan)
            go(name)
            time.sleep(0.1)
