#!/usr/bin/env python3
"""shapes.py RUN_DIR shapes-tcp|shapes-quic: the shapes that use has, at the pace it has."""

import sys

from drive import CHAT_PATHS, HERE, Lab, play

MB = 1_000_000
TEN = [240, 1500, 320, 900, 200, 610, 1250, 430, 280, 750]
FILES = "https://files.oaiusercontent.com/file-7c1d/raw"


def turns(rng, sizes, think, read, pause):
    """Prompts of these sizes: seconds until the answer begins, seconds it takes, seconds until the next prompt."""

    def milli(low, high):
        return int(1000 * rng.uniform(low, high))

    return [[size, {"think": milli(*think), "read": milli(*read)}, milli(*pause)] for size in sizes]


def long_turns(rng):
    """Four prompts: the model thinks for long, one answer stops half way to search, one pause is a phone call."""
    found = turns(rng, [700, 260, 1300, 420], (4, 8), (10, 20), (3, 14))
    found[1][1] |= {"read": 28_000}
    found[2][1] |= {"stall": 5_000}
    found[2][2] = 38_000
    return found


def open_page(host, seconds):
    return [["open", f"https://{host}/"], ["wait", int(seconds * 1000)]]


def talk(host, asked, *more):
    return [*open_page(host, 3), *more, ["talk", CHAT_PATHS[host], asked]]


def reports(to):
    """A page that reports one to four kilobytes every ten seconds for two minutes, and is asked nothing."""
    return [*open_page("chatgpt.com", 2), ["repeat", to, 10_000, 1000], ["wait", 115_000]]


def tool(lab, *words):
    return [lab.python, str(HERE / "shape_programs.py"), *[str(word) for word in words]]


def shapes_tcp(lab):
    """HTTP/2, WebSockets and programs."""
    rng = lab.rng
    yield "f1", "chat", lab.browser(*talk("chatgpt.com", turns(rng, TEN, (0.4, 2.5), (5, 9), (3, 9))))
    # The page goes on reporting while its user thinks.
    beside = ["repeat", "/api/event_logging/batch", 10_000, 1000]
    yield "f2", "chat", lab.browser(*talk("claude.ai", long_turns(rng), beside))
    yield "f3", "idle", lab.browser(*open_page("claude.ai", 150))
    yield "f4", "telemetry", lab.browser(*reports("/ces/v1/t"))
    yield "f5", "telemetry", lab.browser(*reports("https://ab.chatgpt.com/v1/log_event"))
    chat_socket = ["socket", "wss://copilot.microsoft.com/c/api/chat?api-version=2"]
    asked = turns(rng, [340, 3000, 800, 300, 1700, 520], (0.8, 4), (4, 11), (3, 25))
    yield "f6", "chat", lab.browser(*open_page("copilot.microsoft.com", 2), chat_socket, ["wait", 4000], ["say", asked])
    yield "s1", "idle", lab.browser(*open_page("copilot.microsoft.com", 2), chat_socket, ["wait", 130_000])
    one = turns(rng, [460], (2, 3), (6, 8), (3, 4))
    control = [*open_page("backup.example", 2), ["put", "https://backup.example/reports/q3.zip", 2 * MB], ["wait", 1500]]
    yield "s2", "chat", lab.browser(*talk("chatgpt.com", one, ["put", FILES, 3 * MB], ["wait", 2500])), lab.browser(*control)
    yield "e1", "agent-loop", tool(lab, "anthropic", "api.anthropic.com", 4000, 120_000, 18)
    yield "e2", "agent-loop", tool(lab, "openai", "api.openai.com", 4000, 60_000, 14)
    yield "e3", "api-batch", tool(lab, "openai-batch", "api.openai.com", 45)
    yield "e4", "api-batch", tool(lab, "httpx-batch", "api.mistral.ai", 48, 4)
    yield "e5", "chat", tool(lab, "imitator", "chatgpt.com", 400, 1100, 260, 700, 350)
    yield "e5", "api-batch", tool(lab, "imitator-batch", "chatgpt.com", 12)
    yield "e6", "voice", tool(lab, "voice", "api.openai.com", 20)


def shapes_quic(lab):
    """HTTP/3, and sound over UDP."""
    rng = lab.rng
    hosts = ["chatgpt.com", "ab.chatgpt.com", "claude.ai", "gemini.google.com", "files.oaiusercontent.com"]

    def h3(*steps):
        return lab.browser(*steps, quic=hosts)

    yield "f1", "chat", h3(*talk("chatgpt.com", turns(rng, TEN, (0.4, 2.5), (5, 9), (3, 9))))
    yield "f2", "chat", h3(*talk("gemini.google.com", long_turns(rng)))
    yield "f3", "idle", h3(*open_page("claude.ai", 150))
    yield "f4", "telemetry", h3(*reports("/ces/v1/t"))
    yield "f5", "telemetry", h3(*reports("https://ab.chatgpt.com/v1/log_event"))
    # A small request every quarter of a minute, answered with nothing: alone, and beside a chat with its token calls.
    beat = ["repeat", "/api/heartbeat", 15_000, 0]
    yield "f6", "idle", h3(*open_page("gemini.google.com", 2), beat, ["wait", 130_000])
    asked = turns(rng, [520, 1400, 300], (1, 5), (6, 14), (6, 20))
    yield "s1", "chat", h3(*open_page("claude.ai", 3), beat, ["talk", CHAT_PATHS["claude.ai"], asked, "/api/prepare"])
    one = turns(rng, [460], (2, 3), (6, 8), (3, 4))
    yield "s2", "chat", h3(*talk("chatgpt.com", one, ["put", FILES, 3 * MB], ["wait", 2500]))
    yield "e1", "voice", tool(lab, "datagrams", "voice.chatgpt.livekit.cloud", 20, 3478)
    yield "e2", "voice", tool(lab, "datagrams", "voice.chatgpt.livekit.cloud", 20, 7881)


RUNS = {"shapes-tcp": shapes_tcp, "shapes-quic": shapes_quic}

if __name__ == "__main__":
    lab = Lab(sys.argv[1])
    play(lab, [{"client": client, "shape": shape, "do": commands} for client, shape, *commands in RUNS[sys.argv[2]](lab)])
