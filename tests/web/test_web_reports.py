"""Reports on the server: behind the password, in a policy of their own, and nothing else of the disk with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsers import Browser

FILES = ("index.html", "interactive.html", "figures/bands.png", "figures/bands.pdf", "figures/bands.json")


def policy(browser: Browser, file: str) -> dict[str, str]:
    said = browser.get(f"/campaigns/toy/report/{file}").headers["Content-Security-Policy"]
    return dict(part.partition(" ")[::2] for part in said.split("; "))


def test_a_campaign_leads_to_its_report(browser: Browser, toy: str, reports: Path) -> None:
    text = browser.page(f"/campaigns/{toy}")
    for file in FILES:
        assert f'href="/campaigns/toy/report/{file}"' in text
        answer = browser.get(f"/campaigns/toy/report/{file}")
        assert answer.status_code == 200
        assert answer.data == (reports / "toy-report" / file).read_bytes()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert f"latticefarm report toy --output {reports}/toy-report</code>" in text
    assert "attachment" in browser.get("/campaigns/toy/report/figures/bands.pdf").headers["Content-Disposition"]


def test_where_none_is_written_the_page_says_how(browser: Browser, toy: str, reports: Path) -> None:
    (reports / "toy-report").rename(reports / "a b")
    text = browser.page(f"/campaigns/{toy}")
    assert "None lies where this server looks for it" in text
    assert f"latticefarm report toy --output {reports}/toy-report" in text
    assert "/report/" not in text
    answer = browser.get("/campaigns/toy/report/index.html")
    assert answer.status_code == 404
    assert "latticefarm report toy" in answer.text
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_the_page_of_figures_runs_no_script(browser: Browser, toy: str) -> None:
    found = policy(browser, "index.html")
    assert toy
    assert found["default-src"] == "'none'"
    assert "script-src" not in found
    assert "allow-scripts" not in found["sandbox"]
    assert found["frame-ancestors"] == found["form-action"] == "'none'"


def test_the_interactive_page_is_of_no_site(browser: Browser, toy: str) -> None:
    found = policy(browser, "interactive.html")
    assert toy
    assert found["script-src"] == "'unsafe-inline'"
    assert "allow-same-origin" not in found["sandbox"]
    assert (found["default-src"], found["form-action"]) == ("'none'", "'none'")
    assert not {"connect-src", "frame-src", "font-src"} & found.keys()
    assert "sandbox" not in policy(browser, "figures/bands.json")


@pytest.mark.parametrize(
    "path",
    [
        "secret.png", "figures/secret.png", "../secret.png", "figures/../../secret.png", "..%2fsecret.png", "figures/..%2f..%2fsecret.png",
        "figures/%2e%2e/%2e%2e/secret.png", "figures/..%5c..%5csecret.png", "figures//etc/passwd", "%2fetc%2fpasswd", "figures/link.png",
        "figures/notes.txt", "figures", "figures/", ".", "..", "index.html%00.png", "figures/bands.png%00", "figures/dir.png",
    ],
)  # fmt: skip
def test_nothing_else_is_shown(browser: Browser, toy: str, reports: Path, path: str) -> None:
    figures = reports / "toy-report" / "figures"
    (reports / "secret.png").write_text("secret", encoding="utf-8")
    (reports / "toy-report" / "secret.png").write_text("secret", encoding="utf-8")
    (figures / "notes.txt").write_text("secret", encoding="utf-8")
    (figures / "link.png").symlink_to(reports / "secret.png")
    (figures / "dir.png").mkdir()
    answer = browser.get(f"/campaigns/{toy}/report/{path}")
    assert answer.status_code == 404, answer.status_code
    assert "secret" not in answer.text.replace(path, "").replace("secret.png", "")


@pytest.mark.parametrize("name", ["..", "other", "%2e%2e", "toy%2f..%2ftoy", "."])
def test_only_campaigns_have_reports(browser: Browser, toy: str, reports: Path, name: str) -> None:
    assert toy
    (reports / "toy-report").rename(reports / "other-report")
    assert browser.get(f"/campaigns/{name}/report/index.html").status_code in (404, 308)
