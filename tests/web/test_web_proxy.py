"""Behind a web server with TLS: its headers are believed, below its path, and nothing goes without TLS."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from browsers import PASSWORD, Browser, served
from flask import Flask

from launchers.farm import Farm
from launchers.web.attempts import OF_ONE
from launchers.web.server import made_server

BY_TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Prefix": "/farm"}


@pytest.fixture
def behind(farm: Farm) -> Flask:
    return served(farm, behind_proxy=True)


def test_cookies_are_sent_by_tls_alone(behind: Flask) -> None:
    browser = Browser(behind.test_client())
    answer = browser.log_in(headers=BY_TLS, base_url="https://localhost/farm")
    assert answer.status_code == 303
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Path=/farm;" in answer.headers["Set-Cookie"] + ";"


def test_without_tls_nothing_is_answered_and_the_reason_said(behind: Flask) -> None:
    for headers in ({}, {"X-Forwarded-Proto": "http"}):
        answer = behind.test_client().get("/login", headers=headers)
        assert answer.status_code == 400
        assert "X-Forwarded-Proto" in answer.text
        assert "password" not in answer.text


def test_below_a_path_every_address_is_below_it(behind: Flask, toy: str) -> None:
    browser = Browser(behind.test_client())
    how = {"headers": BY_TLS, "base_url": "https://localhost/farm"}
    asked = browser.get(f"/campaigns/{toy}?model=dft_ef", headers={**BY_TLS, "Accept": "text/html"}, base_url="https://localhost/farm")
    assert asked.location == f"/farm/login?next=/farm/campaigns/{toy}?model%3Ddft_ef"
    form = {"csrf": browser.token(**how), "user": "ada", "password": PASSWORD, "next": f"/farm/campaigns/{toy}?model=dft_ef"}
    assert browser.client.post("/login", data=form, **how).location == form["next"]
    text = browser.get(f"/campaigns/{toy}", **how).text
    for word in ('href="', 'src="', 'action="', 'data-address="'):
        places = [part.partition('"')[0] for part in text.split(word)[1:]]
        assert [one for one in places if one.startswith("/") and not one.startswith("/farm/")] == []
    form = {"csrf": browser.token(f"/campaigns/{toy}", **how), "act": "pause", "back": f"/farm/campaigns/{toy}?model="}
    assert browser.client.post(f"/campaigns/{toy}/steer", data=form, **how).location == form["back"]
    form |= {"act": "resume", "back": f"/campaigns/{toy}"}  # of this host, and not below the path
    assert browser.client.post(f"/campaigns/{toy}/steer", data=form, **how).location == f"/farm/campaigns/{toy}"


def test_who_tries_passwords_is_told_apart(behind: Flask) -> None:
    def attempt(address: str, password: str = "wrong") -> int:
        how = {"headers": BY_TLS | {"X-Forwarded-For": address}, "base_url": "https://localhost/farm"}
        return Browser(behind.test_client()).log_in(password=password, **how).status_code

    # what a client said of itself stands before what the proxy added
    codes = [attempt(f"10.0.0.{number}, 192.0.2.7") for number in range(OF_ONE + 1)]
    assert codes == [401] * OF_ONE + [429]
    assert attempt("192.0.2.8", PASSWORD) == 303


def test_headers_of_others_are_not_believed_without_the_option(farm: Farm) -> None:
    browser = Browser(served(farm).test_client())
    for number in range(OF_ONE):
        browser.log_in(password="wrong", headers={"X-Forwarded-For": f"10.0.0.{number}"})
    assert browser.log_in(headers={"X-Forwarded-For": "10.0.0.99"}).status_code == 429
    assert Browser(served(farm).test_client()).get("/campaigns/", headers={"Accept": "text/html", **BY_TLS}).location.startswith("/login")


@pytest.fixture(params=[True, False])
def port(request: pytest.FixtureRequest, farm: Farm) -> Iterator[tuple[int, bool]]:
    server: Any = made_server(served(farm, behind_proxy=request.param), "127.0.0.1", 0, behind_proxy=request.param)
    threading.Thread(target=server.run, daemon=True).start()
    yield server.effective_port, request.param
    server.close()


def test_the_real_server_passes_the_headers_on(port: tuple[int, bool]) -> None:
    number, behind_proxy = port
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=20)
    connection.request("GET", "/campaigns/", headers={"Accept": "text/html", **BY_TLS})
    answer = connection.getresponse()
    assert answer.status == 303
    assert str(answer.headers["Location"]).startswith("/farm/login" if behind_proxy else "/login")
    connection.close()
