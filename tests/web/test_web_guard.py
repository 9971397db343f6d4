"""Nothing is shown without the password; forged forms do nothing; a password cannot be guessed by trying."""

from __future__ import annotations

import pytest
from browsers import PASSWORD, Browser, served

from launchers.farm import Farm
from launchers.web.attempts import OF_ALL, OF_ONE
from launchers.web.credentials import Credentials, CredentialsError


def shows_nothing(browser: Browser, addresses: list[str], secret: str = "DFT_EF") -> None:
    for address in addresses:
        for headers in ({}, {"Accept": "application/json"}, {"Accept": "text/html"}):
            answer = browser.get(address, headers=headers)
            assert answer.status_code in (303, 401), address
            assert answer.status_code == 401 or answer.location.startswith("/login"), address
            assert secret not in answer.text
            assert answer.mimetype == "text/html"


def test_nothing_is_shown_before_the_password(stranger: Browser, addresses: list[str]) -> None:
    assert any("fig.png" in one for one in addresses)
    assert any(one.endswith("/json") for one in addresses)
    assert any(one.endswith("dagre.js") for one in addresses)
    shows_nothing(stranger, addresses)
    assert stranger.get("/nowhere").status_code == 401  # nor what there is not


def test_everything_is_shown_after_it(browser: Browser, addresses: list[str]) -> None:
    codes = {address: browser.get(address).status_code for address in addresses}
    assert set(codes.values()) <= {200, 303}, codes
    assert browser.get("/nowhere").status_code == 404


@pytest.mark.parametrize("word", ["", "wrong", PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_password_opens_nothing(stranger: Browser, addresses: list[str], word: str) -> None:
    assert stranger.log_in(password=word).status_code == 401
    shows_nothing(stranger, addresses)


def test_a_user_name_alone_is_no_open_door(farm: Farm, addresses: list[str]) -> None:
    credentials = Credentials.of("ada", None, "127.0.0.1")
    assert credentials.made
    assert len(credentials.password) >= 16
    browser = Browser(served(farm, credentials).test_client())
    shows_nothing(browser, addresses)
    for user, password in (("ada", ""), ("ada", "None"), ("eve", credentials.password)):
        assert browser.log_in(user, password).status_code == 401
    assert browser.log_in("ada", credentials.password).status_code == 303
    assert browser.get("/campaigns/").status_code == 200


def test_a_password_alone_is_needed_with_any_name(farm: Farm, addresses: list[str]) -> None:
    credentials = Credentials.of(None, PASSWORD, "127.0.0.1")
    browser = Browser(served(farm, credentials).test_client())
    shows_nothing(browser, addresses)
    assert browser.log_in("anybody", "").status_code == 401
    assert browser.log_in("", PASSWORD).status_code == 401  # who did what is noted
    assert browser.log_in("anybody", PASSWORD).status_code == 303


def test_two_passwords_that_are_made_differ_and_are_in_no_text() -> None:
    first, second = (Credentials.of("", "", "127.0.0.1") for _ in range(2))
    assert first.password != second.password
    assert first.password not in repr(first)


@pytest.mark.parametrize(("host", "password"), [("0.0.0.0", None), ("::", ""), ("node7", None), ("10.0.0.1", "short"), ("127.0.0.1", "short")])
def test_what_others_reach_needs_a_password_of_ones_own(host: str, password: str | None) -> None:
    with pytest.raises(CredentialsError, match="characters"):
        Credentials.of("ada", password, host)


@pytest.mark.parametrize("password", [None, "", "elevenchars"])
def test_behind_a_proxy_others_reach_it(password: str | None) -> None:
    with pytest.raises(CredentialsError, match=r"12 (characters )?or more"):
        Credentials.of("ada", password, "127.0.0.1", behind_proxy=True)
    assert Credentials.of("ada", PASSWORD, "127.0.0.1", behind_proxy=True).fit("ada", PASSWORD)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0"])
def test_with_one_it_may_be_shown_anywhere(host: str) -> None:
    assert Credentials.of(None, PASSWORD, host).fit("ada", PASSWORD)


def test_trying_passwords_is_slow(stranger: Browser) -> None:
    codes = [stranger.log_in(password="wrong").status_code for _ in range(OF_ONE + 1)]
    assert codes == [401] * OF_ONE + [429]
    refused = stranger.log_in()  # else the right one would be told from the wrong ones
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    elsewhere = {"environ_base": {"REMOTE_ADDR": "10.0.0.9"}}
    assert stranger.log_in(**elsewhere).status_code == 303


def test_trying_passwords_from_many_places_is_slow_too(stranger: Browser) -> None:
    def attempt(number: int) -> int:
        return stranger.log_in(password="wrong", environ_base={"REMOTE_ADDR": f"10.0.{number}.1"}).status_code

    assert [attempt(number) for number in range(OF_ALL)] == [401] * OF_ALL
    assert attempt(OF_ALL) == 429


def test_a_forged_form_is_refused(app, browser: Browser, failed: str) -> None:
    form = {"act": "retry", "by": "pieces", "key": failed}
    before = browser.page("/campaigns/toy/failures")
    assert browser.client.post("/campaigns/toy/steer", data=form).status_code == 403
    assert browser.client.post("/campaigns/toy/steer", data={**form, "csrf": "guessed"}).status_code == 403
    other = Browser(app.test_client())
    other.log_in("eve")
    theirs = other.token("/campaigns/toy")
    assert browser.client.post("/campaigns/toy/steer", data={**form, "csrf": theirs}).status_code == 403
    mine = browser.token("/campaigns/toy")
    across = {"Sec-Fetch-Site": "cross-site"}
    assert browser.client.post("/campaigns/toy/steer", data={**form, "csrf": mine}, headers=across).status_code == 403
    assert browser.client.post("/login", data={"user": "ada", "password": PASSWORD}).status_code == 403
    assert "diverged" in before
    assert "diverged" in browser.page("/campaigns/toy/failures")


def test_logging_out_ends_the_session_whatever_cookie_is_shown(app, browser: Browser) -> None:
    cookie = browser.client.get_cookie("latticefarm")
    assert cookie is not None
    assert browser.send("/logout", "/campaigns/").status_code == 303
    thief = app.test_client()
    thief.set_cookie("latticefarm", cookie.value)
    assert thief.get("/campaigns/").status_code == 401


def test_a_new_session_begins_with_the_password(stranger: Browser) -> None:
    """A cookie that somebody put there before does not become one of who is let in."""
    before = stranger.token()
    stranger.log_in()
    assert stranger.token("/campaigns/") != before


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example/", "/\\evil.example", "/login?next=/x"])
def test_the_login_leads_nowhere_else(stranger: Browser, place: str) -> None:
    form = {"csrf": stranger.token(), "user": "ada", "password": PASSWORD, "next": place}
    assert stranger.client.post("/login", data=form).location == "/begin"


def test_the_login_leads_back(stranger: Browser, toy: str) -> None:
    wanted = f"/campaigns/{toy}?model=dft_ef"
    asked = stranger.get(wanted, headers={"Accept": "text/html"})
    form = {"csrf": stranger.token(asked.location), "user": "ada", "password": PASSWORD, "next": wanted}
    assert stranger.client.post("/login", data=form).location == wanted


def test_headers_of_every_answer(browser: Browser, addresses: list[str]) -> None:
    for address in [*addresses, "/nowhere", "/login"]:
        answer = browser.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy or "/report/" in address  # see test_web_reports
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        if answer.mimetype == "text/html":
            assert answer.headers["Cache-Control"] == "no-store", address


def test_cookies_are_for_this_site_and_no_script(stranger: Browser) -> None:
    said = stranger.log_in().headers["Set-Cookie"]
    assert "SameSite=Strict" in said
    assert "HttpOnly" in said
    assert PASSWORD not in said
