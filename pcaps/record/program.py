#!/usr/bin/env python3
"""program.py TOOL SIZES [HOST]: a program that talks to a model API, at a human pace.

TOOL is openai, openai-streams, openai-embed, anthropic, requests or httpx; SIZES are prompt sizes in bytes, separated
by commas. SSL_CERT_FILE and REQUESTS_CA_BUNDLE name the lab's root; names resolve by the lab's DNS.
"""

import ssl
import sys
import time

TEXT = "please compare the figures of this quarter with the last one and write a short note for the team "


def prompt(size):
    return (TEXT * (size // len(TEXT) + 1))[:size]


def pause(size):
    time.sleep(1.6 + size % 11 / 10)


def openai_chat(sizes, _host, streamed=False):
    """Whole answers over one connection, the last one streamed.

    The SDK closes a connection after each streamed answer: it stops at [DONE], before the body's end.
    """
    from openai import OpenAI

    client = OpenAI(api_key="lab", base_url="https://api.openai.com/v1")
    for i, size in enumerate(sizes):
        message = [{"role": "user", "content": prompt(size)}]
        stream = streamed or i + 1 == len(sizes)
        answer = client.chat.completions.create(model="m", messages=message, stream=stream)
        if stream:
            for _ in answer:
                pass
        pause(size)


def openai_streams(sizes, host):
    openai_chat(sizes, host, streamed=True)


def openai_embed(sizes, _host):
    from openai import OpenAI

    client = OpenAI(api_key="lab", base_url="https://api.openai.com/v1")
    for size in sizes:
        client.embeddings.create(model="m", input=prompt(size), encoding_format="float")
        pause(size)


def anthropic_chat(sizes, _host):
    import anthropic

    client = anthropic.Anthropic(api_key="lab", base_url="https://api.anthropic.com")
    for i, size in enumerate(sizes):
        ask = {"model": "m", "max_tokens": 300, "messages": [{"role": "user", "content": prompt(size)}]}
        if i % 2 == 0:
            with client.messages.stream(**ask) as stream:
                for _ in stream.text_stream:
                    pass
        else:
            client.messages.create(**ask)
        pause(size)


PATHS = {
    "chatgpt.com": "/backend-api/conversation",
    "api.githubcopilot.com": "/chat/completions",
    "api.mistral.ai": "/v1/chat/completions",
}


def body(size):
    return {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt(size)}]}


def requests_post(sizes, host):
    import requests

    with requests.Session() as session:
        for size in sizes:
            with session.post(f"https://{host}{PATHS[host]}", json=body(size), stream=True, timeout=20) as answer:
                for _ in answer.iter_content(None):
                    pass
            pause(size)


def httpx_post(sizes, host):
    import httpx

    with httpx.Client(http2=True, verify=ssl.create_default_context(), timeout=20) as client:
        if not host.startswith("api."):
            client.get(f"https://{host}/")
            time.sleep(2.4)
        for size in sizes:
            with client.stream("POST", f"https://{host}{PATHS[host]}", json=body(size)) as answer:
                for _ in answer.iter_raw():
                    pass
            pause(size)


TOOLS = {
    "openai": openai_chat,
    "openai-streams": openai_streams,
    "openai-embed": openai_embed,
    "anthropic": anthropic_chat,
    "requests": requests_post,
    "httpx": httpx_post,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]]([int(s) for s in sys.argv[2].split(",")], sys.argv[3] if len(sys.argv) > 3 else None)
