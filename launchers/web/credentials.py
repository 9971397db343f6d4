"""Who is let in: one password, given or made, and where the server may listen with it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
SHORTEST, SHORTEST_OPEN = 8, 12  # characters of a password that is given: on this machine alone, and on a network


class CredentialsError(Exception):
    """With this name, password and address nothing may be shown: why, and what to do."""


@dataclass(frozen=True)
class Credentials:
    """A password, and the only name that goes with it; without `user` any name does, and is what the notes say.

    `made`: nobody gave a password, so this one was made and has to be told.
    """

    user: str
    password: str = field(repr=False)
    made: bool = False

    @classmethod
    def of(cls, user: str | None, password: str | None, host: str, *, behind_proxy: bool = False) -> Credentials:
        """Those for a server at `host`; what is empty is not given. Others reach it `behind_proxy`, too.

        Raises:
            CredentialsError: the password is too short, or others reach the server and nobody gave one.
        """
        open_to_others = behind_proxy or not is_loopback(host)
        shortest = SHORTEST_OPEN if open_to_others else SHORTEST
        if not password and behind_proxy:
            raise CredentialsError(f"others reach it through the proxy: that needs a password of your own, {shortest} characters or more, in LATTICEFARM_WEB_PASSWORD")
        if not password and open_to_others:
            raise CredentialsError(
                f"{host} can be reached from other machines: that needs a password of your own, {shortest} characters or more,"
                f" in LATTICEFARM_WEB_PASSWORD; or leave --host out, and reach {LOOPBACK} through a tunnel (ssh -L)"
            )
        if not password:
            return cls(user or "", secrets.token_urlsafe(12), made=True)
        if len(password) < shortest:
            where = "behind a proxy" if behind_proxy else f"at {host}"
            raise CredentialsError(f"LATTICEFARM_WEB_PASSWORD has {len(password)} characters: {shortest} or more {where}")
        return cls(user or "", password)

    def fit(self, user: str, password: str) -> bool:
        """Whether both are right; how long that takes tells nothing of either."""
        name = not self.user or _same(self.user, user)
        return _same(self.password, password) and name and bool(self.password)


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone; a name that is not `localhost` is none."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(*(hashlib.sha256(text.encode()).digest() for text in (one, other)))
