"""Limits on guessing passwords: failed tries are counted by the name that is tried and by the source address.

What an address has tried counts wherever it did; names are counted apart for each thing that asks for a password
(:meth:`Guesses.apart`), so that who guesses at one door does not keep the owner from another. All addresses of an
account count as one name (:func:`counted_as`).

The limits hold for one process: of several over one database each counts for itself.
"""

from collections.abc import Callable, Sequence

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

    def apart(self) -> "Guesses":
        """Return the tries at another door, which counts names by itself."""
        return Guesses(self._config, trusted=self._trusted, now=self._now, by_address=self._by_address)

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

    def is_spent(self, name: str) -> bool:
        """Tell whether a name has failed as often as it may before its tries are spaced."""
        limit = self._config.attempts_per_name
        return limit > 0 and self._by_name.count(name, self._now()) >= limit

    def _withdraw_source(self, client: str) -> None:
        source = find_source(client, self._trusted)
        if source is not None:
            self._by_address.withdraw(source)


def counted_as(account: Account | None, name: str) -> str:
    """Return the name that tries are counted by: an account's, by whichever of its addresses it is tried.

    Args:
        account: whose name it is, None for nobody's.
        name: what was typed, as an address if it is one.
    """
    return f"#{account.account_id}" if account is not None else name.casefold()[:MAX_NAME_CHARACTERS]


def _too_many(seconds: int) -> PostroomError:
    return PostroomError(
        Kind.LIMITED,
        "tooManyRequests",
        "too many failed logins; try again later",
        retry_after_seconds=seconds,
    )
