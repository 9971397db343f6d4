"""Behind nginx itself, with the configuration of the documentation: TLS of a certificate of its own, below a path."""

from __future__ import annotations

import http.cookiejar
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import PASSWORD, served

from campaign.records.campaigns import holds
from campaign.web.reports import REPORTS
from launchers.farm import Farm
from launchers.web.server import made_server

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCUMENTED = Path(__file__).parents[2] / "docs/how-to/browser.md"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx: apt-get install nginx-light"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: apt-get install openssl"),
]


def configuration(folder: Path, port: int, passed_to: int) -> str:
    """The server of the documentation, at other ports and with another certificate; the rest is what nginx needs as no root."""
    (found,) = re.findall(r"```nginx\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    for word, ours in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/", f"{folder}/"),
        ("127.0.0.1:5000", f"127.0.0.1:{passed_to}"),
    ):
        assert word in found
        found = found.replace(word, ours)
    temporary = " ".join(f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}} http {{ access_log off; {temporary}\n{found} }}"


@pytest.fixture
def address(farm: Farm, reports: Path, tmp_path: Path) -> Iterator[str]:
    """Of the site, below its path."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    app = served(farm, behind_proxy=True)
    app.config[REPORTS] = reports
    server: Any = made_server(app, "127.0.0.1", 0, behind_proxy=True)
    threading.Thread(target=server.run, daemon=True).start()
    certificate = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", *certificate, "-keyout", tmp_path / "farm.key", "-out", tmp_path / "farm.pem"], check=True, capture_output=True)
    (tmp_path / "nginx.conf").write_text(configuration(tmp_path, port, server.effective_port), encoding="utf-8")
    nginx = subprocess.Popen([NGINX, "-e", tmp_path / "errors", "-c", tmp_path / "nginx.conf"])
    yield f"https://localhost:{port}/farm"
    nginx.terminate()
    nginx.wait(20)
    server.close()


class Client:
    """Asks over TLS, believes this certificate alone, and keeps its cookies as a browser does."""

    def __init__(self, certificate: Path) -> None:
        trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(certificate)))
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(trust, urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, address: str) -> tuple[str, str]:
        """Where one arrives, and what stands there."""
        with self.opener.open(urllib.request.Request(address, headers={"Accept": "text/html"}), timeout=30) as answer:
            return answer.url, answer.read().decode()

    def send(self, page: str, action: str, **form: str) -> tuple[str, str]:
        """A form of `page`."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(page)[1])
        assert found
        content = urllib.parse.urlencode({"csrf": found[1], **form}).encode()
        with self.opener.open(action, content, timeout=30) as answer:
            return answer.url, answer.read().decode()


def test_one_logs_in_looks_and_steers(address: str, tmp_path: Path, farm: Farm, toy: str) -> None:
    client, page = Client(tmp_path / "farm.pem"), f"{address}/campaigns/{toy}"
    where, _ = retried(lambda: client.get(page))
    assert where == f"{address}/login?next=/farm/campaigns/{toy}"
    where, shown = client.send(where, f"{address}/login", user="ada", password=PASSWORD, next=f"/farm/campaigns/{toy}")
    assert (where, f"Campaign {toy}" in shown) == (page, True)
    assert [(one.path, one.secure) for one in client.cookies] == [("/farm", True)]
    assert f'data-address="/farm/versions?campaign={toy}"' in shown
    assert '"version"' in client.get(f"{address}/versions?campaign={toy}")[1]
    assert "the report" in client.get(f"{page}/report/index.html")[1]
    assert client.opener.open(f"{page}/report/figures/bands.png", timeout=30).headers["Content-Type"] == "image/png"
    assert client.send(page, f"{page}/steer", act="pause", back=f"/farm/campaigns/{toy}")[0] == page
    assert holds(farm, toy) == [{}]


def retried(ask: Any) -> Any:
    """nginx takes a moment to begin."""
    for _ in range(100):
        try:
            return ask()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            threading.Event().wait(0.1)
    raise AssertionError("nginx does not answer")
