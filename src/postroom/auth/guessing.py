"""Limits on guessing passwords: failed tries are counted by the name that is tried and by the source address.

What an address has tried counts wherever it did; names are counted apart for each thing that asks for a password
(:meth:`Guesses.apart`), so that who guesses at one door does not keep the owner from another. All addresses of an
account count as one name (:func:`counted_as`).

The limits hold for one process: of several over one database each counts for itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from postroom.auth.sources import find_source
from postroom.auth.throttle import Throttle
from postroom.config.auth import AuthConfig
from postroom.config.options import IPNetwork
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account

MAX_NAME_CHARACTERS = 320


class Guesses:
    """The tries at one door. A try begins, and then was right, or wrong, or neither."""

    def __init__(
        self,
        config: AuthConfig,
        *,
        trusted: Sequence[IPNetwork] = (),
        now: Callable[[], float],
        by_address: Throttle | None = None,
    ) -> None:
        """``trusted`` are the networks of reverse proxies: an address of theirs stands for many users."""
        self._config = config
        self._trusted = trusted
        self._now = now
        self._by_name = Throttle(
            limit=config.attempts_per_name,
            window_seconds=config.attempts_window_seconds,
            spaced_seconds=config.retry_name_seconds,
        )
        self._by_address = by_address or Throttle(
            limit=config.attempts_per_address, window_seconds=config.attempts_window_seconds
        )

    def apart(self, *, limits_names: bool = True) -> "Guesses":
        """Return the tries at another door, which counts names by itself, or not at all."""
        config = self._config if limits_names else replace(self._config, attempts_per_name=0)
        return Guesses(config, trusted=self._trusted, now=self._now, by_address=self._by_address)

    def count_requests(self, limit: int, window_seconds: float) -> "Requests":
        """Return a limit on what an address may ask for, right or wrong, where it stands for one user."""
        throttle = Throttle(limit=limit, window_seconds=window_seconds)
        return Requests(throttle, trusted=self._trusted, now=self._now)

    def begin(self, name: str, client: str) -> None:
        """Count a try as wrong, until it is said to be something else. Raises: tooManyRequests."""
        now = self._now()
        source = find_source(client, self._trusted)
        seconds = self._by_name.refused_seconds(name, now)
        if source is not None:
            seconds = max(seconds, self._by_address.refused_seconds(source, now))
        if seconds:
            raise _too_many(seconds)
        self._by_name.begin(name, now)
        if source is not None:
            self._by_address.begin(source, now)

    def check_source(self, client: str) -> None:
        """Refuse an address that is over its limit, whatever the name. Raises: tooManyRequests."""
        source = find_source(client, self._trusted)
        if source is not None and (seconds := self._by_address.refused_seconds(source, self._now())):
            raise _too_many(seconds)

    def right(self, name: str, client: str) -> None:
        """Say that a try was right: all that failed for its name is forgotten."""
        self._by_name.succeeded(name)
        self._withdraw_source(client)

    def undone(self, name: str, client: str) -> None:
        """Say that nobody knows whether a try was right."""
        self._by_name.withdraw(name)
        self._withdraw_source(client)

    def _withdraw_source(self, client: str) -> None:
        source = find_source(client, self._trusted)
        if source is not None:
            self._by_address.withdraw(source)


class Requests:
    """Counts what a source address asks for, where it stands for one user."""

    def __init__(self, throttle: Throttle, *, trusted: Sequence[IPNetwork], now: Callable[[], float]) -> None:
        self._trusted = trusted
        self._throttle = throttle
        self._now = now

    def take(self, client: str) -> None:
        """Count a request. Raises: tooManyRequests."""
        source = find_source(client, self._trusted)
        if source is None:
            return
        now = self._now()
        if seconds := self._throttle.refused_seconds(source, now):
            raise _too_many(seconds, "too many requests; try again later")
        self._throttle.begin(source, now)


def counted_as(account: Account | None, name: str) -> str:
    """Return the name that tries are counted by: an account's, by whichever of its addresses it is tried.

    Args:
        account: whose name it is, None for nobody's.
        name: what was typed, as an address if it is one.
    """
    return f"#{account.account_id}" if account is not None else name.casefold()[:MAX_NAME_CHARACTERS]


def _too_many(seconds: int, message: str = "too many failed logins; try again later") -> PostroomError:
    return PostroomError(Kind.LIMITED, "tooManyRequests", message, retry_after_seconds=seconds)
