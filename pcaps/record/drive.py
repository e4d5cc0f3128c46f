"""What a client can do in the lab, and the runner that lets many of them do it at once.

A session is one client, one wish ("ask ChatGPT three things") and, for the demo week, the local time
that it stands for. Each session becomes a block: the client's frames from `t0` to `t1`, which shift.py
moves to that time.
"""

import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Tools of program.py and shape_programs.py that are not called like the software they use.
NAMES = {"imitator": "curl_cffi", "imitator-batch": "curl_cffi", "voice": "websockets", "datagrams": "python"}
CHAT_PATHS = {
    "chatgpt.com": "/backend-api/conversation",
    "claude.ai": "/api/organizations/o/chat_conversations/c/completion",
    "gemini.google.com": "/_/BardChatUi/data/StreamGenerate",
    "copilot.microsoft.com": "/c/api/conversations",
    "www.perplexity.ai": "/rest/sse/perplexity_ask",
    "chat.deepseek.com": "/api/v0/chat/completion",
}
# Chromium needs a core for a second or two when it starts.
BROWSERS = threading.Semaphore(int(os.environ.get("LAB_BROWSERS", "3")))
PROGRAMS = threading.Semaphore(5)


def address(client):
    """The IPv4, the IPv6 and the MAC address of a client such as `f3`."""
    dept, part = {"f": 1, "e": 2, "s": 3}[client[0]], 10 + int(client[1:])
    return f"10.20.{dept}.{part}", f"fd20:{dept}::{part}", f"02:20:{dept:02}:00:00:{part}"


def sizes(rng, count):
    """Prompt sizes of a person who writes short and, now and then, long."""
    return [int(300 * 10 ** rng.uniform(0, 1)) for _ in range(count)]


class Lab:
    """The run directory and the commands that the sessions are made of."""

    def __init__(self, run):
        self.run = Path(run)
        self.rng = random.Random(46)
        self.ca = str(self.run / "ca.pem")
        self.spki = (self.run / "spki.b64").read_text().strip()
        self.python = os.environ.get("LAB_PYTHON", str(self.run / "venv/bin/python"))
        self.count = 0

    def browser(self, *steps, quic=None):
        self.count += 1
        spec = {"profile": str(self.run / f"profile{self.count}"), "ca": self.ca, "spki": self.spki, "steps": list(steps)}
        if quic:
            spec["quic"] = quic
        return ["node", str(HERE / "browser.js"), json.dumps(spec)]

    def visit(self, host, prompts):
        """Steps: open the page, look at it, ask, read."""
        look = ["wait", self.rng.randint(2200, 3600)]
        return [["open", f"https://{host}/"], look, ["ask", CHAT_PATHS[host], sizes(self.rng, prompts)]]

    def chat(self, host, prompts, h3=False, more=()):
        return self.browser(*self.visit(host, prompts), *more, quic=[host] if h3 else None)

    def view(self, *hosts, h3=False):
        """Look at pages and do nothing there."""
        steps = [s for h in hosts for s in (["open", f"https://{h}/"], ["wait", self.rng.randint(2200, 3200)])]
        return self.browser(*steps, quic=list(hosts) if h3 else None)

    def program(self, tool, prompts, host=None):
        wanted = ",".join(str(s) for s in sizes(self.rng, prompts))
        return [self.python, str(HERE / "program.py"), tool, wanted, *([host] if host else [])]

    def curl(self, *args):
        return ["curl", "-sS", "--cacert", self.ca, "-o", "/dev/null", *args]

    def upload(self, url, size, rate="2M"):
        path = self.run / f"upload-{size}.bin"
        path.write_bytes(random.Random(size).randbytes(size))
        return self.curl("--limit-rate", rate, "-T", str(path), url)

    def beacon(self, host, path, size):
        return self.curl("--json", json.dumps({"event": "view", "pad": "x" * size}), f"https://{host}{path}")

    def pause(self, seconds):
        return ["sleep", str(seconds)]

    def lookups(self, *questions):
        return ["kdig", "+short", *[word for q in questions for word in q.split()]]


def software(command):
    """What a command is on the wire: browser or program, and its name."""
    if command[0] == "node":
        return "browser", "Chromium"
    if command[1].endswith(".py"):
        return "program", NAMES.get(command[2], command[2].split("-")[0])
    return "program", command[0]


def _run_session(lab, session, log):
    is_browser = any(command[0] == "node" for command in session["do"])
    with BROWSERS if is_browser else PROGRAMS:
        ip, ip6, mac = address(session["client"])
        block = {"client": session["client"], "ip": ip, "ip6": ip6, "mac": mac, "at": session.get("at"), "runs": []}
        block["t0"] = time.time() - 0.05
        env = {**os.environ, "SSL_CERT_FILE": lab.ca, "REQUESTS_CA_BUNDLE": lab.ca, "PYTHONDONTWRITEBYTECODE": "1"}
        for command in session["do"]:
            kind, name = software(command)
            block["runs"].append({"client": kind, "software": name, "shape": session.get("shape"), "t0": time.time()})
            inside = ["ip", "netns", "exec", f"st{session['client']}", "timeout", "280", *command]
            done = subprocess.run(inside, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{session['client']} {command[0]}: {done.stdout[-300:]}{done.stderr[-600:]}")
        time.sleep(1.3)  # the last acknowledgements
        block["t1"] = time.time()
    with log[1]:
        log[0].write(json.dumps(block) + "\n")
        log[0].flush()


def _run_queue(lab, queue, log, failures):
    for session in queue:
        if failures:
            return
        try:
            _run_session(lab, session, log)
        except SystemExit as failure:
            failures.append(failure)


def play(lab, sessions):
    """Runs all sessions, each client's in the order given, and writes blocks.jsonl.

    The first failure ends the run: a capture without a session is not what it says it is.
    """
    queues = {}
    for session in sessions:
        queues.setdefault(session["client"], []).append(session)
    with open(lab.run / "blocks.jsonl", "w", encoding="utf-8") as file:
        log = (file, threading.Lock())
        failures = []
        threads = [threading.Thread(target=_run_queue, args=(lab, q, log, failures)) for q in queues.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
