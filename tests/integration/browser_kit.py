"""The machine's own Chromium, without what it would do of its own accord; a page with what it complained about."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
EVIL = "</script><script>window.ran=1</script><img src=x onerror='window.ran=1'>"


@dataclass
class Opened:
    """A page, with all that the browser complained about, and what it asked for beside files and its own data."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def watched(context: Any) -> Opened:
    """A new page of a browser's context."""
    opened = Opened(context.new_page())
    opened.page.on("console", lambda message: opened.complaints.append(f"{message.type}: {message.text}"))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on(
        "request",
        lambda asked: None if asked.url.startswith(("file:", "data:")) else opened.requests.append(asked.url),
    )
    return opened
