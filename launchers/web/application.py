"""The whole web app: FireWorks' own, the pages that are mounted in it, one header, one password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, redirect, render_template, send_from_directory, url_for

from launchers.envelopes import load
from launchers.farm import UNAUTHORIZED, Farm
from launchers.web.credentials import Credentials
from launchers.web.fireworks_app import HERE, fireworks_app, refuse_what_is_not_there
from launchers.web.headers import guarded_answers, trust_proxy
from launchers.web.login import Doorman, Tell, guard
from launchers.web.server import WARMED

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException


@dataclass(frozen=True)
class Pages:
    """What is mounted: a blueprint, and what the header links to, as text and endpoint; the first is where one begins.

    `warm` is called once, in a thread, when the server begins.
    """

    blueprint: Blueprint
    links: tuple[tuple[str, str], ...]
    warm: Callable[[], object] = bool


def web_app(farm: Farm, credentials: Credentials, mounted: Sequence[str] = (), tell: Tell = print, *, behind_proxy: bool = False) -> Flask:
    """The app on `farm`. `mounted` are import paths (`module:function`) of functions from a farm to its `Pages`.

    `behind_proxy`: one web server passes on what it is asked, and says in headers for whom, how, and below which path.
    """
    app = fireworks_app(farm)
    if behind_proxy:
        trust_proxy(app)
    guard(app, Doorman(credentials, tell))
    app.before_request(lambda: refuse_what_is_not_there(farm))  # after the guard: the database answers who is let in
    guarded_answers(app)
    links: list[tuple[str, str]] = []
    warmed: list[Callable[[], object]] = []
    app.extensions[WARMED] = warmed
    for path in mounted:
        pages: Pages = load(path)(farm)
        app.register_blueprint(pages.blueprint)
        links += pages.links
        warmed.append(pages.warm)
    first = links[0][1] if links else "home"
    app.add_url_rule("/begin", "begin", lambda: redirect(url_for(first), 303))
    app.add_url_rule("/site/<path:filename>", "site_static", lambda filename: send_from_directory(HERE / "static", filename))
    app.context_processor(lambda: {"links": links})
    _say_errors(app)
    return app


def _say_errors(app: Flask) -> None:
    from pymongo.errors import OperationFailure, PyMongoError
    from werkzeug.exceptions import HTTPException

    def http(error: HTTPException) -> Any:
        return error.get_response() if error.code in (301, 302, 303, 308) else _page(error.code or 500, error.description or "")

    def database(error: PyMongoError) -> Any:
        if isinstance(error, OperationFailure) and error.code == UNAUTHORIZED:
            return _page(403, "The user with whom this server asks the database may only read it: steer by one who may write.")
        app.logger.error("the database: %s", type(error).__name__)
        return _page(503, "The database does not answer: `latticefarm db status` on the machine of this server.")

    app.register_error_handler(HTTPException, http)
    app.register_error_handler(PyMongoError, database)


def _page(code: int, text: str) -> tuple[str, int]:
    return render_template("error.html", code=code, text=text), code
