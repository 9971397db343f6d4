"""What every answer tells the browser: load nothing from elsewhere, run no script that stands in a page, be in no frame."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Flask, Response, abort, g, request
from flask.sessions import SecureCookieSessionInterface

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}


def guarded_answers(app: Flask) -> None:
    """Every answer of `app` has these headers, and its cookies are for this site and no script."""
    app.config.update(
        SESSION_COOKIE_NAME="latticefarm",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=2**20,
        MAX_FORM_MEMORY_SIZE=2**20,
    )
    app.secret_key = secrets.token_bytes(32)
    app.after_request(_with_headers)


def trust_proxy(app: Flask) -> None:
    """Believe the headers of the one web server in front, which has TLS: without it nothing is answered, no cookie sent."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    app.config["SESSION_COOKIE_SECURE"] = True
    app.session_interface = _CookiesBelow()

    @app.before_request
    def only_by_tls() -> None:
        if not request.is_secure:
            abort(400, "it is said to be behind a proxy, which does not say that you came by https: let it set X-Forwarded-Proto")


class _CookiesBelow(SecureCookieSessionInterface):
    """Cookies that are sent to nothing else on the host of the web server, another latticefarm below its own path for instance."""

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 (flask names it)
        return request.script_root or "/"


def own_policy(policy: Mapping[str, str]) -> None:
    """The answer that is being made has this policy, and not that of the site."""
    g.policy = policy


def _with_headers(answer: Response) -> Response:
    policy = dict(g.get("policy", _POLICY))
    if nonce := g.get("nonce"):
        policy["style-src"] = f"'nonce-{nonce}'"
    answer.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if not (request.endpoint or "").endswith("static") or answer.status_code != 200:
        answer.headers["Cache-Control"] = "no-store"
    return answer
