#!/usr/bin/env python3
"""ways_quic.py RUN_DIR: QUIC clients, each with one thing that a plain handshake has not.

RUN_DIR/plan.jsonl says for each name what is special, and of a client that moved its later port.
"""

import asyncio
import json
import socket
import ssl
import sys
from pathlib import Path

from aioquic.asyncio import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from ways_quic_server import ALPN, LONG_IDS, LOSSY, RETRY, SERVICES

CLIENT = "10.20.4.11"
V1, V2, UNKNOWN = 0x00000001, 0x6B3343CF, 0x1A2A3A4A
REQUEST = bytes(i % 241 for i in range(1500))
EXCHANGES = 4  # each way, before and after a client moves
SAME_PORT = 41443


class Client:
    """One connection of aioquic on a socket that can be changed."""

    def __init__(self, name, address=SERVICES, port=443, local_port=0, ticket=None, keep=None, **more):
        more = {"alpn_protocols": ALPN, "supported_versions": [V1]} | more
        self.configuration = QuicConfiguration(
            is_client=True, server_name=name, verify_mode=ssl.CERT_NONE, session_ticket=ticket, **more
        )
        self.far, self.local_port = (address, port), local_port
        self.protocol = QuicConnectionProtocol(QuicConnection(configuration=self.configuration, session_ticket_handler=keep))

    async def __aenter__(self):
        await self.bind(self.local_port)
        return self

    async def bind(self, port=0):
        """A socket of its own; the one before closes. Says its port."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((CLIENT, port))
        before = self.protocol._transport
        loop = asyncio.get_running_loop()
        # The protocol takes this transport from now on.
        await loop.create_datagram_endpoint(lambda: self.protocol, sock=sock)
        if before:
            before.close()
        return sock.getsockname()[1]

    async def shake(self, wait=True):
        self.protocol.connect(self.far, transmit=wait)
        if wait:
            await self.protocol.wait_connected()

    async def ask(self, count=1):
        for _ in range(count):
            reader, writer = await self.protocol.create_stream()
            writer.write(REQUEST)
            writer.write_eof()
            await reader.read()

    async def __aexit__(self, *_):
        self.protocol.close()
        await self.protocol.wait_closed()
        self.protocol._transport.close()


def simply(address=SERVICES, port=443, **more):
    async def go(name):
        async with Client(name, address, port, **more) as client:
            await client.shake()
            await client.ask()

    return go


async def early(name):
    """Twice the same server: the second time its ticket lets the request go with the hello."""
    tickets = []
    async with Client(name, keep=tickets.append) as client:
        await client.shake()
        await client.ask()
    async with Client(name, ticket=tickets[0]) as client:
        await client.shake(wait=False)
        await client.ask()
        assert client.protocol._quic.tls.early_data_accepted


def moving(address, new_id):
    async def go(name):
        async with Client(name, address) as client:
            await client.shake()
            await client.ask(EXCHANGES)
            await asyncio.sleep(0.3)
            if new_id:
                client.protocol._quic.change_connection_id()
            port = await client.bind()
            await client.ask(EXCHANGES)
        return {"client_port": port, "same_id": not new_id}

    return go


def large(count):
    return simply(quantum_readiness_test=True, alpn_protocols=[*(f"lab-{at}-".ljust(200, "x") for at in range(count)), *ALPN])


SAME = "the same client port as the one before, at once after it"
# Name, what is special, and who does it. A note of a list is one of each connection to the name.
WAYS = [
    ("plain.example", "plain: version 1", simply()),
    ("chatgpt.com", "version 2", simply(supported_versions=[V2])),
    ("compatible.example", "compatible version negotiation: begins in version 1, goes on in version 2",
     simply(supported_versions=[V2, V1], original_version=V1)),
    ("unknown-version.example", "Version Negotiation: offers a version that nobody knows first, then version 1",
     simply(supported_versions=[UNKNOWN, V1])),
    ("claude.ai", "Retry", simply(RETRY)),
    ("retry-v2.example", "Retry in version 2", simply(RETRY, supported_versions=[V2])),
    ("early.example", ["a ticket for the next one", "0-RTT: the request comes with the hello"], early),
    ("two-initials.example", "a hello over two Initials", large(0)),
    ("gemini.google.com", "a hello over four Initials", large(14)),
    ("one-port-a.example", "the first on its client port", simply(local_port=SAME_PORT)),
    ("one-port-b.example", SAME, simply(local_port=SAME_PORT)),
    ("copilot.microsoft.com", SAME, simply(local_port=SAME_PORT)),
    ("api.openai.com", "rebinding: the client's port changes, its connection id does not", moving(SERVICES, False)),
    ("api.anthropic.com", "rebinding with connection ids of 20 bytes", moving(LONG_IDS, False)),
    ("api.mistral.ai", "migration: port and connection id change together", moving(SERVICES, True)),
    ("port-8443.example", "port 8443", simply(port=8443)),
    ("port-123.example", "port 123", simply(port=123)),
    ("port-53.example", "port 53", simply(port=53)),
    ("www.perplexity.ai", "the answer to the first Initial is lost: the hello comes again", simply(LOSSY)),
]  # fmt: skip


async def main(plan):
    for name, note, go in WAYS:
        moved = await asyncio.wait_for(go(name), 20)
        for one in note if isinstance(note, list) else [note]:
            row = {"name": name, "note": one}
            print(json.dumps(row | {"moved": moved} if moved else row), file=plan)


if __name__ == "__main__":
    with open(Path(sys.argv[1]) / "plan.jsonl", "w", encoding="utf-8") as plan:
        asyncio.run(main(plan))
