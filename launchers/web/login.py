"""The one way in, and the guard before everything else: pages, plots, JSON and files."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, Response, abort, g, redirect, render_template, request, session, url_for

from launchers.web.attempts import Attempts
from launchers.web.credentials import Credentials

OPEN_S = 12 * 3600.0  # then the password is asked for again
READING = ("GET", "HEAD")
STYLE = Path(__file__).parent / "static" / "site.css"

Tell = Callable[[str], object]


@dataclass
class Doorman:
    """Who is logged in, in the memory of the server: a restart, or logging out, ends it whatever cookie is shown."""

    credentials: Credentials
    tell: Tell
    attempts: Attempts = field(default_factory=Attempts)
    _open: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """Who asks; empty where nobody is logged in."""
        name, ends = self._open.get(session.get("ticket", ""), ("", 0.0))
        return name if time.monotonic() < ends else ""

    def enter(self, user: str) -> None:
        """Let somebody in, with a session of their own."""
        session.clear()
        self._open = {ticket: one for ticket, one in self._open.items() if time.monotonic() < one[1]}
        session["ticket"] = secrets.token_urlsafe(24)
        self._open[session["ticket"]] = user, time.monotonic() + OPEN_S

    def leave(self) -> None:
        """End the session of who asks."""
        self._open.pop(session.get("ticket", ""), None)
        session.clear()


def guard(app: Flask, doorman: Doorman) -> None:
    """Nothing is answered but the login before the password was given, and no forged POST at all."""

    @app.before_request
    def only_who_is_let_in() -> Response | None:
        if request.method not in READING:
            _refuse_forged()
        g.user = doorman.user
        if request.endpoint == "login" or g.user:
            return None
        if request.method != "GET" or not request.accept_mimetypes.accept_html or request.headers.get("X-Live"):
            abort(401)
        return redirect(url_for("login", next=request.script_root + request.full_path.rstrip("?")), 303)  # type: ignore[return-value]

    app.add_url_rule("/login", "login", lambda: _login(doorman), methods=["GET", "POST"])
    app.add_url_rule("/logout", "logout", lambda: _logout(doorman), methods=["POST"])
    app.context_processor(lambda: {"csrf": csrf, "user": g.get("user", "")})


def csrf() -> str:
    """The word that a form of this session has to bring back."""
    return session.setdefault("csrf", secrets.token_urlsafe(24))


def _refuse_forged() -> None:
    from_elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    brought, mine = request.form.get("csrf", ""), session.get("csrf", "")
    if from_elsewhere or not mine or not secrets.compare_digest(brought.encode(), mine.encode()):
        abort(403, "this form is not of this session: load its page again, and send it from there")


def _login(doorman: Doorman) -> Response | str | tuple[str, int, dict[str, str]]:
    inside = _inside(request.values.get("next", ""))
    if request.method != "POST":
        return redirect(inside, 303) if g.user else _form(doorman, inside)  # type: ignore[return-value]
    address = request.remote_addr or "?"
    if wait := doorman.attempts.wait_s(address):
        text = f"Too many wrong passwords: try again in {wait / 60:.0f} min."
        return _form(doorman, inside, text), 429, {"Retry-After": f"{wait:.0f}"}
    user = request.form.get("user", "").strip()[:60]
    if not user or not doorman.credentials.fit(user, request.form.get("password", "")):
        doorman.attempts.wrong(address)
        doorman.tell(f"wrong name or password from {address}")
        return _form(doorman, inside, "This name and password do not fit."), 401, {}
    doorman.enter(user)
    doorman.tell(f"{user!r} came in from {address}")
    return redirect(inside, 303)  # type: ignore[return-value]


def _logout(doorman: Doorman) -> Response:
    doorman.leave()
    return redirect(url_for("login"), 303)  # type: ignore[return-value]


def _form(doorman: Doorman, inside: str, wrong: str = "") -> str:
    # files are behind the password, so this page brings its style along
    g.nonce = secrets.token_urlsafe(16)
    named = bool(doorman.credentials.user)
    return render_template("login.html", next=inside, wrong=wrong, named=named, style=STYLE.read_text(encoding="utf-8"))


def _inside(place: str) -> str:
    """`place`, if it is on this server; else where everybody begins."""
    at_home = place.startswith("/") and not place.startswith("//") and "\\" not in place and place.isprintable()
    return place if at_home and not place.startswith(url_for("login")) else url_for("begin")
