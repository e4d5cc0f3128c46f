#!/usr/bin/env python3
"""office_week.py RUN_DIR: two weeks of a small office, in five minutes.

Departments: f1-f6 Finance, e1-e6 Engineering, s1-s2 Support. Week 2026-W45 is quiet; in 2026-W46 some
services appear for the first time, one of them prohibited, and two large files leave the house.
"""

import random
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drive import Lab, play

MONDAY = {45: datetime(2026, 11, 2), 46: datetime(2026, 11, 9)}
DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4}
BERLIN = ZoneInfo("Europe/Berlin")
MB = 1_000_000


def week_45(lab):
    tel = lab.beacon("copilot-telemetry.githubusercontent.com", "/telemetry", 900)
    copilot = "api.githubcopilot.com"
    yield "mon 09:05", "f1", lab.chat("chatgpt.com", 3)
    yield "mon 10:20", "e1", lab.program("openai", 3)
    yield "mon 14:10", "s1", lab.chat("copilot.microsoft.com", 2)
    yield "tue 09:40", "f2", lab.chat("copilot.microsoft.com", 3)
    yield "tue 11:00", "e2", lab.program("anthropic", 3)
    yield "tue 13:30", "e3", lab.program("httpx", 3, copilot), lab.pause(1), tel
    yield "tue 15:00", "f4", lab.view("news.example", "mail.example")
    yield "wed 09:20", "f3", lab.chat("chatgpt.com", 2, h3=True)
    yield "wed 10:15", "e4", lab.chat("gemini.google.com", 2, h3=True)
    yield "wed 16:00", "f5", lab.curl("http://intranet.example/"), lab.curl("https://mail.example/")
    yield "thu 09:00", "e1", lab.program("openai", 4)
    yield "thu 11:30", "f6", lab.chat("copilot.microsoft.com", 2)
    yield "thu 14:45", "e5", lab.chat("claude.ai", 3)
    yield "fri 10:00", "e6", lab.program("httpx", 2, copilot)
    yield "fri 13:00", "s2", lab.view("intranet.example", "news.example")


def week_46(lab):
    tel = lab.beacon("copilot-telemetry.githubusercontent.com", "/telemetry", 900)
    copilot = "api.githubcopilot.com"
    statsig = ["ping", "https://ab.chatgpt.com/v1/rgstr", 700]
    mail = ["ping", "https://mail.example/mail/send", 4000]
    # Monday
    yield "mon 08:50", "f1", lab.chat("chatgpt.com", 4, more=[statsig])
    yield "mon 09:10", "f2", lab.chat("copilot.microsoft.com", 3)
    yield "mon 09:30", "e1", lab.program("openai", 5)
    yield "mon 10:05", "e2", lab.program("anthropic", 4)
    yield "mon 10:40", "e3", lab.program("httpx", 4, copilot), lab.pause(1), tel
    yield "mon 11:15", "s1", lab.chat("copilot.microsoft.com", 2)
    yield "mon 13:20", "e4", lab.chat("gemini.google.com", 3, h3=True)
    yield "mon 14:00", "f4", lab.view("news.example")
    yield "mon 15:10", "f5", lab.lookups("chatgpt.com AAAA", "claude.ai HTTPS", "no-such-host.example A"), lab.curl("http://intranet.example/")
    yield "mon 16:30", "f6", lab.browser(["open", "https://mail.example/"], ["wait", 2300], mail)
    # Tuesday
    yield "tue 09:15", "f3", lab.chat("chatgpt.com", 3, h3=True), lab.pause(2), lab.upload("https://files.oaiusercontent.com/file-7c1d/raw", 12 * MB)
    yield "tue 10:00", "e5", lab.chat("claude.ai", 3, h3=True)
    yield "tue 10:50", "e6", lab.program("httpx", 3, "api.mistral.ai")
    yield "tue 11:20", "f2", lab.chat("www.perplexity.ai", 2)
    yield "tue 13:05", "s2", lab.chat("chatgpt.com", 2)
    yield "tue 14:25", "e1", lab.program("openai-streams", 3)
    yield "tue 15:00", "f5", lab.view("poe.com")
    yield "tue 16:10", "s1", lab.beacon("ab.chatgpt.com", "/v1/rgstr", 600)
    # Wednesday
    yield "wed 09:05", "f4", lab.chat("chat.deepseek.com", 3)
    yield "wed 09:50", "e2", lab.program("anthropic", 3)
    yield "wed 10:30", "e3", lab.program("requests", 3, copilot)
    yield "wed 11:10", "f1", lab.chat("chatgpt.com", 3, h3=True)
    yield "wed 13:40", "f6", lab.chat("gemini.google.com", 2, h3=True)
    yield "wed 14:15", "e4", tel
    yield "wed 15:00", "s1", lab.chat("copilot.microsoft.com", 3)
    yield "wed 16:45", "f5", lab.upload("https://backup.example/nightly/finance.tar", 6 * MB)
    # Thursday
    yield "thu 08:55", "f4", lab.chat("chat.deepseek.com", 2)
    yield "thu 09:35", "e5", lab.chat("claude.ai", 4)
    yield "thu 10:10", "e6", lab.program("requests", 3, "api.mistral.ai")
    yield "thu 11:00", "f2", lab.chat("copilot.microsoft.com", 2)
    yield "thu 13:15", "f3", lab.program("httpx", 3, "chatgpt.com")
    yield "thu 14:00", "e1", lab.program("openai-embed", 4)
    yield "thu 15:20", "s2", lab.chat("claude.ai", 2)
    yield "thu 16:00", "f6", lab.curl("http://intranet.example/"), lab.view("news.example", h3=True)
    # Friday
    yield "fri 09:00", "e1", lab.program("openai", 3)
    yield "fri 09:25", "e3", lab.program("httpx", 3, copilot)
    yield "fri 10:20", "e4", lab.chat("www.perplexity.ai", 3)
    yield "fri 11:05", "e2", lab.program("anthropic", 2)
    yield "fri 13:30", "f5", lab.chat("chatgpt.com", 3, more=[statsig])
    yield "fri 14:10", "s1", lab.chat("copilot.microsoft.com", 2)
    yield "fri 15:15", "f1", lab.view("news.example", "intranet.example")
    yield "fri 16:20", "e6", lab.lookups("api.mistral.ai AAAA", "gemini.google.com HTTPS", "printer.intranet.example A")


def schedule(lab):
    """All sessions in the order of the weeks; minutes are round only on paper."""
    rng = random.Random(2026)
    for week, sessions in ((45, week_45(lab)), (46, week_46(lab))):
        for when, client, *commands in sessions:
            day, clock = when.split()
            hours, minutes = (int(part) for part in clock.split(":"))
            at = MONDAY[week] + timedelta(days=DAYS[day], hours=hours, minutes=minutes, seconds=rng.uniform(0, 240))
            yield {"client": client, "at": at.replace(tzinfo=BERLIN).timestamp(), "do": commands}


if __name__ == "__main__":
    lab = Lab(sys.argv[1])
    play(lab, list(schedule(lab)))
