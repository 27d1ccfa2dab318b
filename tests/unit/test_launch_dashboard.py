"""A dashboard that others reach is warned about, unless it asks for a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tuner.launch import dashboard
from tuner.launch.dashboard import warn_of_open_dashboard


class Dashboard(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps({"ray_version": "2.60.0"}).encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A dashboard on 127.0.0.1 that is taken for one which others reach."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dashboard)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def said(url: str | None) -> list[str]:
    found: list[str] = []
    warn_of_open_dashboard(url, found.append)
    return found


def test_an_open_one_is_warned_about_with_its_address(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(there) == []  # nobody else reaches it
    monkeypatch.setattr(dashboard, "reached_by_others", lambda address: True)
    (warning,) = said(there)
    assert there in warning
    assert "--dashboard-host=127.0.0.1" in warning
    monkeypatch.setattr(Dashboard, "status", 401)
    assert said(there) == []


def test_none_and_one_that_does_not_answer_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "reached_by_others", lambda address: True)
    assert said(None) == said("") == said("127.0.0.1:1") == []
