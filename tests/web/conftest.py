"""The web app on a real queue: a browser without a screen is Flask's test client."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign.spec import load_spec
from campaign.steering.submit import submit
from launchers.farm import Farm
from launchers.web.application import web_app
from launchers.web.credentials import Credentials

PAGES = ("campaign.web.pages:mount",)
PASSWORD = "a word of the test"


@dataclass
class Browser:
    """One browser: it keeps its cookies, and takes the tokens of forms from the pages that hold them."""

    client: FlaskClient
    said: list[str] = field(default_factory=list)

    def get(self, address: str, **more: Any) -> TestResponse:
        return self.client.get(address, **more)

    def page(self, address: str) -> str:
        """The text of a page that has to be there."""
        answer = self.get(address)
        assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
        return answer.text

    def token(self, address: str = "/login") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(address).text)
        assert found
        return found[1]

    def log_in(self, user: str = "ada", password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.client.post("/login", data={"csrf": self.token(), "user": user, "password": password}, **more)

    def send(self, address: str, page: str, **form: Any) -> TestResponse:
        """A form of `page`."""
        return self.client.post(address, data={"csrf": self.token(page), **form})


@pytest.fixture
def app(farm: Farm) -> Flask:
    return web_app(farm, Credentials("", PASSWORD), PAGES, lambda line: None)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """One that has given the password."""
    found = Browser(app.test_client())
    assert found.log_in().status_code == 303
    return found


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """One that has not."""
    return Browser(app.test_client())


@pytest.fixture
def toy(farm: Farm, tmp_path: Path, write_campaign: Callable[..., Path]) -> str:
    """A campaign that was just submitted."""
    submit(farm, load_spec(write_campaign(tmp_path)))
    return "toy"


@pytest.fixture
def failed(farm: Farm, toy: str) -> str:
    """The key of a training of `toy` that has failed on node7."""
    from fireworks import FWAction, FWorker

    firework, launch = farm.launchpad.checkout_fw(FWorker(), "/runs/7", host="node7")
    failure = {"stage": "train", "kind": "diverged", "message": "the loss <is> nan after 3 epochs", "advice": "lower the rate"}
    details = {"_stacktrace": "...\nflows.failure.CalculationFailed: no", "_details": {"failure": failure}}
    farm.launchpad.complete_launch(launch, FWAction(stored_data={"_exception": details}, exit=True), "FIZZLED")
    return farm.launchpad.workflows.find_one({"nodes": firework.fw_id})["metadata"]["key"]


@pytest.fixture
def addresses(app: Flask, toy: str, farm: Farm) -> Iterator[list[str]]:
    """Every address that can be read, with what there is put in for its parts; toy campaign and job 1 are there."""
    put_in: dict[str, Any] = {
        "wf_id": 1, "fw_id": 1, "state": "READY", "sorting_key": "_id", "sorting_order": "ASCENDING", "key": "system", "value": "copper",
        "coll": "fireworks", "interval": "hours", "num_intervals": 12, "name": toy,
    }
    files = {"static": "js/dagre.js", "site_static": "site.css", "campaigns.static": "live.js"}
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if "GET" in (rule.methods or ()) and rule.endpoint != "login":
                values = {name: put_in.get(name, files.get(rule.endpoint)) for name in rule.arguments}
                found.append(app.url_for(rule.endpoint, **values))
    assert len(found) >= 20
    assert farm.launchpad.get_fw_ids()
    yield sorted(set(found))
