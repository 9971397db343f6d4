"""The web app on a real queue: a browser without a screen is Flask's test client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsers import Browser, served
from flask import Flask
from PIL import Image

from campaign.spec import LoadedSpec, load_spec
from campaign.steering.submit import submit
from campaign.web.reports import REPORTS
from launchers.farm import Farm


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Where reports are looked for; one of `toy` lies there, pages as short as can be."""
    folder = tmp_path / "toy-report"
    (folder / "figures").mkdir(parents=True)
    (folder / "index.html").write_text('<h1>the report</h1><img src="figures/bands.png" alt="">', encoding="utf-8")
    (folder / "interactive.html").write_text('<h1 id="said">not yet</h1><script>said.textContent = document.title = "it ran"</script>', encoding="utf-8")
    Image.new("RGB", (2, 2)).save(folder / "figures" / "bands.png")
    (folder / "figures" / "bands.pdf").write_bytes(b"%PDF-1.4")
    (folder / "figures" / "bands.json").write_text("{}", encoding="utf-8")
    return tmp_path


@pytest.fixture
def app(farm: Farm, reports: Path) -> Flask:
    found = served(farm)
    found.config[REPORTS] = reports
    return found


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


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, write_campaign: Callable[..., Path]) -> LoadedSpec:
    return load_spec(write_campaign(tmp_path_factory.mktemp("toy")))


@pytest.fixture
def toy(farm: Farm, loaded: LoadedSpec) -> str:
    """A campaign that was just submitted."""
    submit(farm, loaded)
    return loaded.resolved.campaign


@pytest.fixture
def failed(farm: Farm, toy: str) -> str:
    """The key of a training of `toy` that has failed on node7."""
    from fireworks import FWAction, FWorker

    assert toy
    firework, launch = farm.launchpad.checkout_fw(FWorker(), "/runs/7", host="node7")
    failure = {"stage": "train", "kind": "diverged", "message": "the loss <is> nan after 3 epochs", "advice": "lower the rate"}
    details = {"_stacktrace": "...\nflows.failure.CalculationFailed: no", "_details": {"failure": failure}}
    farm.launchpad.complete_launch(launch, FWAction(stored_data={"_exception": details}, exit=True), "FIZZLED")
    return farm.launchpad.workflows.find_one({"nodes": firework.fw_id})["metadata"]["key"]


@pytest.fixture
def addresses(app: Flask, toy: str, farm: Farm) -> list[str]:
    """Every address that can be read, with what there is put in for its parts; toy campaign and job 1 are there."""
    put_in: dict[str, Any] = {
        "wf_id": 1, "fw_id": 1, "state": "READY", "sorting_key": "_id", "sorting_order": "ASCENDING", "key": "system", "value": "copper",
        "coll": "fireworks", "interval": "hours", "num_intervals": 12, "name": toy, "page": "index.html", "file": "bands.png",
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
    return sorted(set(found))
