#!/usr/bin/env python3
"""short_runs.py RUN_DIR browser-tcp|browser-quic|clients-vlan-v6: the small captures, one property each."""

import sys

from drive import CHAT_PATHS, Lab, play


def browser_tcp(lab):
    """Three AI sites and a news site over HTTP/2, from two clients."""
    three = [*lab.visit("chatgpt.com", 3), *lab.visit("claude.ai", 2), *lab.visit("copilot.microsoft.com", 2)]
    yield "f1", lab.browser(*three, ["open", "https://news.example/"], ["wait", 1500])
    yield "e1", lab.browser(["open", "https://news.example/"], ["wait", 1500], *lab.visit("claude.ai", 2))


def browser_quic(lab):
    """Three AI sites over HTTP/3 and an upload of a megabyte, from two clients."""
    upload = ["put", "https://files.oaiusercontent.com/file-2b9e/raw", 1_000_000]
    hosts = ["chatgpt.com", "claude.ai", "gemini.google.com", "files.oaiusercontent.com", "news.example"]
    three = [*lab.visit("claude.ai", 2), *lab.visit("gemini.google.com", 2), *lab.visit("chatgpt.com", 2)]
    yield "f2", lab.browser(*three, upload, ["wait", 1500], quic=hosts)
    yield "s1", lab.browser(["open", "https://news.example/"], ["wait", 1500], *lab.visit("gemini.google.com", 2), quic=hosts)


def clients_vlan_v6(lab):
    """Programs over IPv6 and IPv4, DNS over UDP and TCP, plain HTTP."""
    yield "f1", lab.curl("-6", "https://chatgpt.com/"), lab.curl("-4", "https://chatgpt.com/"), lab.curl("-6", "https://claude.ai/")
    yield "f2", lab.curl("-6", "http://intranet.example/"), lab.curl("-4", "http://intranet.example/news"), lab.curl("-6", "https://news.example/")
    yield "f3", ["kdig", "+short", "chatgpt.com", "A", "chatgpt.com", "AAAA", "chatgpt.com", "HTTPS", "poe.com", "A", "no-such-host.example", "A"]
    yield "f3", ["kdig", "+tcp", "+short", "files.oaiusercontent.com", "A"], ["kdig", "+tcp", "+keepopen", "+short", "claude.ai", "A", "gemini.google.com", "HTTPS", "www.perplexity.ai", "A"]
    yield "f4", ["kdig", "@fd20:1::1", "+short", "api.mistral.ai", "AAAA"], ["kdig", "@fd20:1::1", "+tcp", "+short", "chat.deepseek.com", "AAAA"]
    yield "e1", lab.program("openai", 3)
    yield "e2", lab.program("anthropic", 3)
    yield "e3", lab.program("httpx", 2, "api.mistral.ai"), lab.program("requests", 2, "api.githubcopilot.com")
    yield "e4", lab.upload("https://files.oaiusercontent.com/file-51aa/raw", 400_000)
    yield "s1", lab.curl("http://intranet.example/"), lab.curl("https://copilot.microsoft.com/")
    yield "s2", lab.curl("-6", "https://claude.ai" + CHAT_PATHS["claude.ai"], "--json", '{"messages":[{"role":"user","content":"hello"}]}')


RUNS = {"browser-tcp": browser_tcp, "browser-quic": browser_quic, "clients-vlan-v6": clients_vlan_v6}

if __name__ == "__main__":
    lab = Lab(sys.argv[1])
    play(lab, [{"client": client, "do": commands} for client, *commands in RUNS[sys.argv[2]](lab)])
