"""Whose a token of the OpenID Connect provider is: its published keys, and the checks of a token by them.

The provider's discovery document (OpenID Connect Discovery 1.0 §4) names its key set; both are fetched when the first
token comes, and the keys are remembered. Once they are old they are fetched again in the background, while those at
hand still serve; a token that none of them has signed has them fetched at once, as they may have changed. Either
happens at most once in a while, so that nobody can have the provider asked often, and once for all who wait.

Invariant: without keys, or with keys that are too old, nobody gets in; the answer is then that the provider cannot be
reached.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from postroom.auth.credentials import not_authenticated
from postroom.auth.signed_tokens import (
    BadTokenError,
    Header,
    Identity,
    PublicKey,
    check_claims,
    find_key,
    parse_keys,
    read_header,
    verify,
)
from postroom.config.oidc import OIDCConfig, is_provider_url
from postroom.errors import Kind, PostroomError, unavailable

_DISCOVERY = "/.well-known/openid-configuration"

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns what is at a URL. Raises: unavailable."""


class Identities:
    """The tokens of one provider."""

    def __init__(self, config: OIDCConfig, fetch: Fetch, *, now: Callable[[], float]) -> None:
        self._config = config
        self._fetch = fetch
        self._now = now
        self._keys: list[PublicKey] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._problem = ""
        """Why the keys could not be fetched the last time; "" if they could."""
        self._fetching: asyncio.Task[None] | None = None

    async def identify(self, token: str) -> Identity:
        """Return whose a token is.

        Raises: notAuthenticated where it is not valid; unavailable where the provider's keys are not known.
        """
        try:
            header = read_header(token, self._config.algorithms)
            claims = await self._verify(token, header)
            return check_claims(claims, header, self._config, now=self._now())
        except BadTokenError as error:
            refused = not_authenticated()
            refused.private = f"token: {error}"
            raise refused from error

    async def close(self) -> None:
        """Leave off fetching."""
        if self._fetching is not None:
            self._fetching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._fetching

    async def _verify(self, token: str, header: Header) -> dict[str, Any]:
        key = await self._find_key(header)
        try:
            return verify(token, header, key)
        except BadTokenError:
            # Where keys have no names, or keep them, a new one is known by what it has signed.
            await self._fetch_keys()
            renewed = find_key(self._keys, header)
            if renewed is None or renewed is key:
                raise
            return verify(token, header, renewed)

    async def _find_key(self, header: Header) -> PublicKey:
        if not self._has_keys():
            await self._fetch_keys()
            if not self._has_keys():
                raise unavailable("the provider of identities cannot be reached", private=self._problem)
        elif not _is_within(self._fetched_at, self._now(), self._config.keys_refresh_seconds):
            self._start_fetching()
        key = find_key(self._keys, header)
        if key is None:
            await self._fetch_keys()
            key = find_key(self._keys, header)
        if key is None and self._problem:
            raise unavailable("the provider of identities cannot be reached", private=self._problem)
        if key is None:
            raise BadTokenError("its key is not one of the provider's")
        return key

    def _has_keys(self) -> bool:
        return _is_within(self._fetched_at, self._now(), self._config.keys_kept_seconds)

    async def _fetch_keys(self) -> None:
        """Have the keys fetched, unless that was tried just now."""
        task = self._start_fetching()
        if task is not None:
            await asyncio.shield(task)

    def _start_fetching(self) -> "asyncio.Task[None] | None":
        if self._fetching is None:
            if _is_within(self._tried_at, self._now(), self._config.refetch_seconds):
                return None
            self._tried_at = self._now()
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._fetched)
        return self._fetching

    def _fetched(self, _: "asyncio.Task[None]") -> None:
        self._fetching = None

    async def _renew(self) -> None:
        try:
            url = read_discovery(
                await self._fetch(self._config.issuer.rstrip("/") + _DISCOVERY), self._config
            )
            keys = parse_keys(await self._fetch(url))
            if not keys:
                raise ValueError("the provider has published no key for signatures")
        except PostroomError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            self._problem = error.private or error.message
        except (ValueError, RecursionError) as error:
            self._problem = str(error)
        else:
            self._keys, self._fetched_at, self._problem = keys, self._now(), ""


def read_discovery(document: bytes, config: OIDCConfig) -> str:
    """Return where the provider's keys are. Raises: ValueError."""
    found = json.loads(document)
    if not isinstance(found, dict) or found.get("issuer") != config.issuer:
        raise ValueError("the discovery document is not of the configured issuer")
    url = found.get("jwks_uri")
    if not isinstance(url, str) or not is_provider_url(url):
        raise ValueError("the discovery document names no place of keys")
    if config.issuer.startswith("https:") and not url.startswith("https:"):
        raise ValueError("the keys are not at a place of HTTPS")
    return url


def _is_within(since: float | None, now: float, seconds: float) -> bool:
    """Tell whether that is no longer ago; a clock that was put back makes it longer ago."""
    return since is not None and 0 <= now - since < seconds
