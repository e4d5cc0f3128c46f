#!/usr/bin/env python3
"""shape_programs.py TOOL HOST [NUMBER...]: programs whose traffic has a shape of its own.

anthropic, openai: an agent, each request with all that was said before   FIRST LAST COUNT (bytes, requests)
openai-batch: like calls one after the other                              COUNT
httpx-batch: like calls over some connections at once                     COUNT CONNECTIONS
imitator: a program with a browser's hello that asks like a person        SIZE...
imitator-batch: the same, many questions without a pause                  COUNT
voice, datagrams: sound both ways, over a WebSocket and over UDP          SECONDS, SECONDS PORT
"""

import asyncio
import random
import socket
import ssl
import struct
import sys
import time

from program import PATHS, prompt

rng = random.Random(7)


def growing(first, last, count):
    """Sizes of an agent's requests: each as the one before and what a tool said."""
    return [first + (last - first) * i // (count - 1) for i in range(count)]


def history(size):
    """A conversation of about `size` bytes, in turns of up to 6 kB."""
    parts = [min(6000, size - at) for at in range(0, size, 6000)]
    return [{"role": "user" if i % 2 == 0 else "assistant", "content": prompt(part)} for i, part in enumerate(parts)]


def pace(longest):
    return {"pace": {"think": rng.randint(400, 1500), "read": rng.randint(longest // 4, longest)}}


def anthropic(host, first, last, count):
    from anthropic import Anthropic

    client = Anthropic(api_key="lab", base_url=f"https://{host}")
    for size in growing(first, last, count):
        with client.messages.stream(model="m", max_tokens=900, messages=history(size), extra_body=pace(2600)) as stream:
            for _ in stream.text_stream:
                pass
        time.sleep(rng.uniform(0.2, 2))


def openai(host, first, last, count):
    from openai import OpenAI

    client = OpenAI(api_key="lab", base_url=f"https://{host}/v1")
    for size in growing(first, last, count):
        client.chat.completions.create(model="m", messages=history(size), extra_body=pace(11_000))
        time.sleep(rng.uniform(0.2, 2))


def question():
    """One item of a batch: the instruction is the same, the text differs a little in length."""
    return {"model": "m", "messages": [{"role": "user", "content": prompt(rng.randint(2000, 3000))}], "pace": {"think": rng.randint(250, 900), "read": 3500}}


def openai_batch(host, count):
    from openai import OpenAI

    client = OpenAI(api_key="lab", base_url=f"https://{host}/v1")
    for _ in range(count):
        item = question()
        client.chat.completions.create(model="m", messages=item["messages"], extra_body={"pace": item["pace"]})


def httpx_batch(host, count, connections):
    import httpx

    async def worker(client, items):
        for item in items:
            (await client.post(f"https://{host}{PATHS[host]}", json=item)).raise_for_status()

    async def all_at_once():
        items = [question() for _ in range(count)]
        async with httpx.AsyncClient(verify=ssl.create_default_context(), timeout=20) as client:
            await asyncio.gather(*[worker(client, items[i::connections]) for i in range(connections)])

    asyncio.run(all_at_once())


def chrome():
    from curl_cffi import requests

    return requests.Session(impersonate="chrome", verify=ssl.get_default_verify_paths().cafile)


def imitator(host, *sizes):
    """It takes a new connection for each streamed answer."""
    with chrome() as session:
        for size in sizes:
            pace = {"think": rng.randint(600, 3000), "read": rng.randint(3000, 9000)}
            body = {"action": "next", "messages": [{"role": "user", "content": prompt(size)}], "pace": pace}
            with session.stream("POST", f"https://{host}{PATHS[host]}", json=body, timeout=60) as answer:
                for _ in answer.iter_content():
                    pass
            time.sleep(rng.uniform(3, 9))


def imitator_batch(host, count):
    with chrome() as session:
        for _ in range(count):
            session.post(f"https://{host}{PATHS[host]}", json=question(), timeout=60).raise_for_status()


def voice(host, seconds):
    """Packets of 20 ms over a WebSocket, as the realtime interfaces take them."""
    from websockets.asyncio.client import connect

    async def speak():
        async with connect(f"wss://{host}/v1/realtime?model=m", ssl=ssl.create_default_context(), compression=None) as ws:
            hearing = asyncio.create_task(hear(ws))
            start = time.monotonic()
            for i in range(seconds * 50):
                await asyncio.sleep(max(0, start + i * 0.02 - time.monotonic()))
                await ws.send(rng.randbytes(rng.randint(80, 160)))
            hearing.cancel()

    async def hear(ws):
        async for _ in ws:
            pass

    asyncio.run(speak())


def client_hello():
    """A DTLS 1.2 hello as WebRTC sends it: no name in it, SRTP offered. What follows it here is random."""
    extensions = bytes.fromhex("00170000 ff01000100 000a0008 0006001d00170018 000b00020100 000e0009 0006 0001 0008 0007 00".replace(" ", ""))
    suites = bytes.fromhex("c02bc02fcca9cca8c009c013c00ac014009c002f0035")
    hello = b"\xfe\xfd" + rng.randbytes(32) + b"\0\0" + struct.pack(">H", len(suites)) + suites + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(hello).to_bytes(3, "big") + b"\0\0\0\0\0" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\xfe\xff" + bytes(8) + struct.pack(">H", len(message)) + message


def datagrams(host, seconds, port):
    """STUN, DTLS-like and SRTP-like datagrams to the address of the name; consent is asked every five seconds."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, proto) as udp:
        udp.connect(address)
        binding = struct.pack(">HHI", 1, 0, 0x2112A442)
        udp.send(binding + rng.randbytes(12))
        udp.recv(1500)
        udp.send(client_hello())
        udp.recv(1500)
        udp.send(b"\x16\xfe\xfd\0\1" + bytes(6) + struct.pack(">H", 80) + rng.randbytes(80))
        udp.recv(1500)
        udp.setblocking(False)
        start = time.monotonic()
        for i in range(seconds * 50):
            time.sleep(max(0, start + i * 0.02 - time.monotonic()))
            udp.send(struct.pack(">BBHII", 0x80, 111, i, i * 960, 0x1A2B3C4D) + rng.randbytes(rng.randint(68, 148)))
            if i % 250 == 249:
                udp.send(binding + rng.randbytes(12))
            drain(udp)
        time.sleep(0.5)
        drain(udp)


def drain(udp):
    try:
        while udp.recv(1500):
            pass
    except BlockingIOError:
        pass


TOOLS = {
    "anthropic": anthropic,
    "openai": openai,
    "openai-batch": openai_batch,
    "httpx-batch": httpx_batch,
    "imitator": imitator,
    "imitator-batch": imitator_batch,
    "voice": voice,
    "datagrams": datagrams,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](sys.argv[2], *[int(number) for number in sys.argv[3:]])
