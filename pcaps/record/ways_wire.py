"""A connection of the servers of ways.sh, and the line of the log that it becomes."""

import json
import ssl
import sys
import threading
import time
from pathlib import Path

SERVICES, DIRECT, GATEWAY = "198.51.100.60", "198.51.100.61", "10.20.4.1"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
RUN, LOCK = Path(sys.argv[1]), threading.Lock()


class Wire:
    """A connection and its line of the log."""

    def __init__(self, sock, way):
        self.sock = sock
        (client, client_port), (server, server_port) = sock.getpeername(), sock.getsockname()
        self.row = {"proto": "tls", "way": way, "client": client, "client_port": client_port, "server": server,
                    "server_port": server_port, "names": [], "alpn": None, "start": micros()}  # fmt: skip

    def send(self, data):
        self.sock.sendall(data)

    def take(self, count):
        """Exactly so many bytes, so that none of the hello is taken."""
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise EOFError(f"{self.row['way']}: the client went away after {data!r}")
            data += more
        return data

    def until(self, end):
        data = b""
        while not data.endswith(end):
            data += self.take(1)
        return data

    def expect(self, data):
        assert (got := self.take(len(data))) == data, f"{self.row['way']}: {got!r}"

    def tls(self, groups=None):
        """The handshake, one answer, and the end."""
        context = server_context(groups)
        context.sni_callback = lambda _, name, __: self.named(name)
        with context.wrap_socket(self.sock, server_side=True) as secure:
            self.row["alpn"] = secure.selected_alpn_protocol()
            if secure.recv(16384):
                secure.sendall(ANSWER)
            try:
                secure.unwrap()
            except OSError:
                pass  # the client was faster

    def close(self):
        self.sock.close()
        self.row["end"] = micros()
        with LOCK, open(RUN / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(self.row) + "\n")

    def named(self, name):
        """OpenSSL asks again when it asked for another hello."""
        if name not in self.row["names"]:
            self.row["names"].append(name)


def micros():
    return time.time_ns() // 1000


def server_context(groups=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(RUN / "cert.pem", RUN / "key.pem")
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0
    if groups:
        context.set_ecdh_curve(groups)
    return context
