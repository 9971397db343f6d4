"""What every answer tells the browser: load nothing from elsewhere, run no script that stands in a page, be in no frame."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

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


def _with_headers(answer: Response) -> Response:
    policy = dict(_POLICY)
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
