"""Section ``[oidc]``: the OpenID Connect provider whose tokens are accepted."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from postroom.config.options import check_path_or_none, option

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures by a key that the provider alone has: no shared secrets, and not ``none``."""


def is_provider_url(text: str) -> bool:
    """Tell whether a URL is one of HTTPS, or one of this very machine."""
    try:
        parts = urlsplit(text)
        return _is_whole(parts) and (parts.scheme == "https" or _is_loopback(parts))
    except ValueError:
        return False


def _is_whole(parts: SplitResult) -> bool:
    is_plain = parts.username is None and parts.password is None and not parts.fragment
    return bool(parts.hostname) and is_plain and (parts.port is None or parts.port > 0)


def _is_loopback(parts: SplitResult) -> bool:
    if parts.scheme != "http" or parts.hostname is None:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _check_issuer(text: str) -> None:
    if text and (not is_provider_url(text) or "?" in text or not text.isascii() or " " in text):
        raise ValueError('must be a URL such as https://id.example.com/realms/mail, or ""')


@dataclass(frozen=True)
class OIDCConfig:
    """Options of logins by a provider's tokens."""

    issuer: str = option(
        "",
        "The provider whose tokens are accepted as Bearer, by its URL exactly as its tokens name it, of HTTPS unless "
        'it runs on the same machine; "" for none.',
        check=_check_issuer,
    )
    audience: tuple[str, ...] = option(
        (), "A token must be meant for one of these: what the provider calls this server or its clients."
    )
    authorized_parties: tuple[str, ...] = option(
        (), "If given, a token must have been issued to one of these clients (its claim azp, else client_id)."
    )
    account_claim: str = option("email", "Claim of a token that holds the account's address.")
    require_verified_email: bool = option(
        True, "Where that claim is email, a token must say that the provider has verified it."
    )
    algorithms: tuple[str, ...] = option(ALGORITHMS, "Signatures that are accepted.", choices=ALGORITHMS)
    leeway_seconds: int = option(
        60,
        "How much the provider's clock may differ from ours.",
        unit="seconds",
        minimum=0,
        maximum=600,
    )
    timeout_seconds: int = option(
        5, "Time for the provider to answer with its keys.", unit="seconds", minimum=1, maximum=60
    )
    keys_refresh_seconds: int = option(
        3600, "The provider's keys are fetched again after this time.", unit="seconds", minimum=60
    )
    keys_kept_seconds: int = option(
        86_400,
        "For how long they are used while the provider cannot be reached; after that nobody gets in by it.",
        unit="seconds",
        minimum=60,
    )
    refetch_seconds: int = option(
        30,
        "A token with an unknown key, and a provider that could not be reached, has the keys fetched at most once in "
        "this time.",
        unit="seconds",
        minimum=1,
    )
    ca_file: str = option(
        "",
        'PEM file of the authorities that the provider\'s certificate must come from, by its absolute path; "" for '
        "those of the system.",
        check=check_path_or_none,
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.issuer and not self.audience:
            yield "audience", "must be given where there is an oidc.issuer"
        if self.issuer and not self.account_claim:
            yield "account_claim", "must not be empty"
        if self.issuer and not self.algorithms:
            yield "algorithms", "must not be empty"
        if self.keys_kept_seconds < self.keys_refresh_seconds:
            yield "keys_kept_seconds", "must not be less than oidc.keys_refresh_seconds"
