"""One JSON message to one URL, tried again where that may help. The URL is a secret: no text here ever holds it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

WAITS = (1.0, 4.0, 16.0)
"""Seconds between one try and the next."""
TIMEOUT = 10.0
"""Seconds for which a server may be silent."""
LONGEST_WAIT = 60.0
"""Seconds that a server may ask for by Retry-After."""
_AGAIN = (408, 425, 429)
"""Answers below 500 that another try may mend."""


def post(
    url: str,
    payload: Mapping[str, Any],
    key: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = TIMEOUT,
) -> str:
    """Empty when a server took it, else why not, in words without any part of the URL.

    `key` goes along as Idempotency-Key: a server that took the message and was cut off before its answer gets it again.
    """
    if fault := address_fault(url):
        return fault
    data = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode("utf-8", errors="replace")
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "tuner", "Idempotency-Key": key}
    why = ""
    for wait in (*WAITS, None):
        try:
            request = Request(url, data, headers, method="POST")
            with _OPENER.open(request, timeout=timeout):
                return ""
        except HTTPError as error:
            error.close()
            why = f"the server answered {error.code} {http.client.responses.get(error.code, '')}".rstrip()
            if error.code < 500 and error.code not in _AGAIN:
                return why
            wait = _longer(wait, error.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            why = _reason(error, timeout)
        except ValueError:
            return "its address cannot be used as it is: characters that no URL has"
        if wait is not None:
            sleep(wait)
    return f"{why}, {len(WAITS) + 1} times"


def address_fault(url: str) -> str:
    """Why this can be no webhook, without showing it; empty where it can."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        return "its address is no http:// or https:// URL"
    if "@" in parts.netloc:
        return "its address has a user or password before an @, which this cannot send"
    if not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        return "its address has spaces, line ends or letters beyond ASCII in it"
    return ""


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would arrive as an empty GET, and would count as delivered."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = build_opener(_NoRedirect)


def _longer(wait: float | None, asked: str | None) -> float | None:
    """The server's own wish, in seconds or as a date, where it is longer; never beyond LONGEST_WAIT."""
    if wait is None or not asked:
        return wait
    try:
        seconds = float(asked) if asked.strip().isdigit() else parsedate_to_datetime(asked).timestamp() - time.time()
    except (ValueError, OverflowError):
        return wait
    return min(max(wait, seconds), LONGEST_WAIT)


def _reason(error: BaseException, timeout: float) -> str:
    """By its kind alone: the texts of these errors hold host names and paths."""
    cause = error.reason if isinstance(error, URLError) else error
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (TimeoutError, f"no answer within {timeout:g} s"),
        (ssl.SSLCertVerificationError, "its certificate is not to be trusted"),
        (ssl.SSLError, "no encrypted connection came about"),
        (socket.gaierror, "its host was not found"),
        (ConnectionRefusedError, "nobody listens there"),
        (ConnectionError, "the connection broke off"),
        (http.client.HTTPException, "what answered does not speak HTTP"),
    )
    return next((told for kind, told in kinds if isinstance(cause, kind)), "no connection came about")
