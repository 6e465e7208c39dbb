"""Limits on guessing passwords: failed tries are counted by the name that is tried and by the source address.

What an address has tried counts wherever it did; names are counted apart for each thing that asks for a password
(:meth:`Guesses.apart`), so that who guesses at one door does not keep the owner from another.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import replace

from postroom.auth.throttle import Throttle
from postroom.config.auth import AuthConfig
from postroom.config.options import IPNetwork
from postroom.errors import Kind, PostroomError


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
        return Requests(self, Throttle(limit=limit, window_seconds=window_seconds), self._now)

    def begin(self, name: str, client: str) -> None:
        """Count a try as wrong, until it is said to be something else. Raises: tooManyRequests."""
        now = self._now()
        seconds = self._by_name.refused_seconds(name, now)
        if self.is_limited(client):
            seconds = max(seconds, self._by_address.refused_seconds(client, now))
        if seconds:
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                "too many failed logins; try again later",
                retry_after_seconds=seconds,
            )
        self._by_name.begin(name, now)
        if self.is_limited(client):
            self._by_address.begin(client, now)

    def right(self, name: str, client: str) -> None:
        """Say that a try was right: all that failed for its name is forgotten."""
        self._by_name.succeeded(name)
        if self.is_limited(client):
            self._by_address.withdraw(client)

    def undone(self, name: str, client: str) -> None:
        """Say that nobody knows whether a try was right."""
        self._by_name.withdraw(name)
        if self.is_limited(client):
            self._by_address.withdraw(client)

    def is_limited(self, client: str) -> bool:
        """Return whether failed logins from an address are limited: not where many users share it.

        Those are this machine, a trusted proxy that did not say for whom it asks, and what is no IP address.
        """
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return not address.is_loopback and not any(address in network for network in self._trusted)


class Requests:
    """Counts what a source address asks for, where it stands for one user."""

    def __init__(self, guesses: Guesses, throttle: Throttle, now: Callable[[], float]) -> None:
        self._guesses = guesses
        self._throttle = throttle
        self._now = now

    def take(self, client: str) -> None:
        """Count a request. Raises: tooManyRequests."""
        if not self._guesses.is_limited(client):
            return
        now = self._now()
        if seconds := self._throttle.refused_seconds(client, now):
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                "too many requests; try again later",
                retry_after_seconds=seconds,
            )
        self._throttle.begin(client, now)
