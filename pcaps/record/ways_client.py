"""Clients that put their bytes on the wire as they are told to, and two programs."""

import socket
import ssl
import subprocess
import sys
import time

from ways_wire import GATEWAY, RUN

PROXY = f"http://{GATEWAY}:3128"
HELLO_RECORD = 5  # header of a TLS record
PADDING = 0x10  # OpenSSL's SSL_OP_TLSEXT_PADDING, for which Python has no name


class Client:
    """TLS whose bytes go through our hands before they go on the wire."""

    def __init__(self, address, port, name, alpn=None, small=False):
        self.sock = socket.create_connection((address, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.context = trusting()
        if alpn:
            self.context.set_alpn_protocols(alpn)
        if small:
            self.context.options &= ~PADDING
            self.context.minimum_version = ssl.TLSVersion.TLSv1_3
            self.context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
            self.context.set_ecdh_curve("prime256v1")
        self.inside, self.outside = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.secure = self.context.wrap_bio(self.inside, self.outside, server_hostname=name)

    def say(self, data, wait=0):
        """Plain bytes, and as many of an answer."""
        self.sock.sendall(data)
        return exactly(self.sock, wait)

    def hello(self):
        try:
            self.secure.do_handshake()
        except ssl.SSLWantReadError:
            return self.outside.read()

    def pieces(self, pieces, pause=0.0):
        """Each in a segment of its own."""
        for piece in pieces:
            self.sock.sendall(piece)
            time.sleep(pause)

    def done(self, pack=None, unpack=None):
        """The rest of the handshake (`pack` and `unpack` are what it travels in), one request, one answer."""
        self.drive(self.secure.do_handshake, pack or bytes, unpack or self.receive)
        self.secure.write(b"GET / HTTP/1.1\r\n\r\n")
        self.drive(lambda: self.secure.read(100), bytes, self.receive)
        self.sock.close()

    def drive(self, step, pack, unpack):
        while True:
            try:
                step()
                self.flush(pack)
                return
            except ssl.SSLWantReadError:
                self.flush(pack)
                self.inside.write(unpack())

    def flush(self, pack):
        if self.outside.pending:
            self.sock.sendall(pack(self.outside.read()))

    def receive(self):
        data = self.sock.recv(16384)
        if not data:
            raise EOFError("the server went away")
        return data


def trusting():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def exactly(sock, count):
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data)) or sys.exit("the server went away")
    return data


def run(*words, **more):
    with open(RUN / "clients.log", "a", encoding="utf-8") as log:
        subprocess.run([str(word) for word in words], check=True, stdout=log, stderr=log, timeout=20, **more)


def curl(*words):
    run("curl", "-sSk", "--max-time", 10, "-o", "/dev/null", *words)


def s_client(address, port, name, *more):
    run("openssl", "s_client", "-quiet", "-connect", f"{address}:{port}", "-servername", name, *more, input=b"hello\n")


def head(host, port=443):
    return f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()


def tunnel(name, small=False):
    """A client behind the proxy, which has said yes."""
    client = Client(GATEWAY, 3128, name, small=small)
    client.say(head(name))
    until(client.sock, b"\r\n\r\n")
    return client


def until(sock, end):
    data = b""
    while not data.endswith(end):
        data += exactly(sock, 1)


def recut(hello, size):
    """The same hello in records of so many bytes."""
    message = b""
    while hello:
        length = int.from_bytes(hello[3:5], "big")
        message, hello = message + hello[HELLO_RECORD : HELLO_RECORD + length], hello[HELLO_RECORD + length :]
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
