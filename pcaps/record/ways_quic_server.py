#!/usr/bin/env python3
"""ways_quic_server.py RUN_DIR: QUIC servers that answer each request with a few kilobytes.

RUN_DIR/log.jsonl gets one line per connection: its ends when it began, and the name that the server read in the hello.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from aioquic import tls
from aioquic.asyncio import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration

SERVICES, RETRY, LOSSY, LONG_IDS = "198.51.100.60", "198.51.100.61", "198.51.100.62", "198.51.100.63"
ALPN = ["lab"]
ANSWER = bytes(i % 251 for i in range(2500))
LOST = 2  # datagrams: the answer to the first Initial

open_now = None  # the connection whose datagram is being read


def read_hello(buf, read=tls.pull_client_hello):
    """aioquic has no callback for the name: its parser tells it here."""
    hello = read(buf)
    if hello.server_name not in open_now.row["names"]:
        open_now.row["names"].append(hello.server_name)
    return hello


class Connection(QuicConnectionProtocol):
    """One connection and its line of the log."""

    row = None

    def datagram_received(self, data, addr):
        global open_now
        if not self.row:
            server, server_port = self._transport.get_extra_info("sockname")[:2]
            self.row = {"proto": "quic", "way": "quic", "client": addr[0], "client_port": addr[1], "server": server,
                        "server_port": server_port, "names": [], "alpn": None, "start": micros()}  # fmt: skip
        open_now = self
        super().datagram_received(data, addr)

    def quic_event_received(self, event):
        if isinstance(event, events.ProtocolNegotiated):
            self.row["alpn"] = event.alpn_protocol
        elif isinstance(event, events.StreamDataReceived) and event.end_stream:
            self._quic.send_stream_data(event.stream_id, ANSWER, end_stream=True)
        elif isinstance(event, events.ConnectionTerminated):
            self.row["end"] = micros()
            with open(RUN / "log.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(self.row) + "\n")


class Lossy(QuicServer):
    """What it says first gets lost on the way."""

    def connection_made(self, transport):
        lost, send = [0], transport.sendto

        def sendto(data, addr=None):
            lost[0] += 1
            if lost[0] > LOST:
                send(data, addr)

        transport.sendto = sendto
        super().connection_made(transport)


def micros():
    return time.time_ns() // 1000


async def listen(address, port, kind=QuicServer, retry=False, id_length=8):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN, connection_id_length=id_length)
    configuration.load_cert_chain(RUN / "cert.pem", RUN / "key.pem")
    tickets = {}

    def server():
        return kind(configuration=configuration, create_protocol=Connection, retry=retry, session_ticket_fetcher=tickets.get,
                    session_ticket_handler=lambda ticket: tickets.update({ticket.ticket: ticket}))  # fmt: skip

    await asyncio.get_running_loop().create_datagram_endpoint(server, local_addr=(address, port))


async def main():
    tls.pull_client_hello = read_hello
    for port in (443, 8443, 123, 53):
        await listen(SERVICES, port)
    await listen(RETRY, 443, retry=True)
    await listen(LOSSY, 443, Lossy)
    await listen(LONG_IDS, 443, id_length=20)
    (RUN / "ready").touch()
    await asyncio.Event().wait()


if __name__ == "__main__":
    RUN = Path(sys.argv[1])
    asyncio.run(main())
