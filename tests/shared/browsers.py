"""A browser without a screen, for the web app."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from launchers.farm import Farm
from launchers.web.application import web_app
from launchers.web.credentials import Credentials

PAGES = ("campaign.web.pages:mount",)
PASSWORD = "a word of the test"


@dataclass
class Browser:
    """One browser: it keeps its cookies, and takes the tokens of forms from the pages that hold them."""

    client: FlaskClient

    def get(self, address: str, **more: Any) -> TestResponse:
        return self.client.get(address, **more)

    def page(self, address: str) -> str:
        """The text of a page that has to be there."""
        answer = self.get(address)
        assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
        return answer.text

    def token(self, address: str = "/login", **more: Any) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(address, **more).text)
        assert found
        return found[1]

    def log_in(self, user: str = "ada", password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.client.post("/login", data={"csrf": self.token(**more), "user": user, "password": password}, **more)

    def send(self, address: str, page: str, **form: Any) -> TestResponse:
        """A form of `page`."""
        return self.client.post(address, data={"csrf": self.token(page), **form})


def served(farm: Farm, credentials: Credentials | None = None, *, behind_proxy: bool = False) -> Flask:
    """The app that `latticefarm web` serves."""
    return web_app(farm, credentials or Credentials("", PASSWORD), PAGES, str, behind_proxy=behind_proxy)
