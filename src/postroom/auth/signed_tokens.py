"""Signed tokens of an OpenID Connect provider: JWT (RFC 7519) in JWS compact form (RFC 7515), keys in JWK (RFC 7517).

A token's header is read first, and says by which key it claims to be signed. Only then, under a key that the provider
has published for that algorithm, its claims are looked at. What a token itself says of keys (``jwk``, ``jku``,
``x5u``) is never used.

Which claims must hold: OpenID Connect Core 1.0 §3.1.3.7 and RFC 9068 §4, as far as a resource server can tell. What
is bound to its sender (``cnf``) is refused, as nothing here proves that it is the sender who sends it; so is what is
no ID token and no access token: refresh tokens, logout tokens, security events.

joserfc is imported when the first token comes.
"""

import base64
import binascii
import json
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from postroom.config.oidc import OIDCConfig

if TYPE_CHECKING:
    from joserfc.jwk import Key

MAX_KEYS = 100
MAX_NAME_CHARS = 320
MIN_RSA_BITS = 2048
_MAX_HEADER_BYTES = 4096
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
_FOREIGN_TYPES = frozenset({"refresh", "offline", "logout", "serialized-id"})
"""Values of the claim ``typ``, which one provider has, in tokens that are not for this."""
_KEY_OF = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Type and curve of the key that an algorithm needs."""


class BadTokenError(Exception):
    """A token that is not accepted; the message is for the log."""


class Header(NamedTuple):
    """What a token says of its signature. ``key_id``: "" if it names none."""

    algorithm: str
    key_id: str
    is_access_token: bool
    """It says so itself (RFC 9068)."""


class PublicKey(NamedTuple):
    """A key that the provider has published. Empty texts: it does not say."""

    key_id: str
    kind: str
    curve: str
    algorithm: str
    key: "Key"


class Identity(NamedTuple):
    """Whose a token is, and until when it is accepted (Unix seconds)."""

    name: str
    expires_at: float


def read_header(token: str, algorithms: Sequence[str]) -> Header:
    """Return what a token says of its signature. Raises: BadTokenError."""
    encoded, *rest = token.split(".")
    if len(rest) != 2 or not all(rest) or len(encoded) > _MAX_HEADER_BYTES:
        raise BadTokenError("it has not the form of a signed token")
    header = _decode(encoded)
    if "crit" in header or "b64" in header:
        raise BadTokenError("its header asks for something unknown")
    algorithm, key_id, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in _KEY_OF:
        raise BadTokenError("its algorithm is not accepted")
    if not isinstance(key_id, str) or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise BadTokenError("it is no token for logging in")
    return Header(algorithm, key_id, kind.lower().endswith("at+jwt"))


def parse_keys(document: bytes) -> list[PublicKey]:
    """Return the keys of a key set that may verify signatures; others are left out. Raises: ValueError."""
    found = json.loads(document)
    listed = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError("the keys are not a key set")
    keys = [_parse_key(one) for one in listed if isinstance(one, dict)]
    return [key for key in keys if key is not None]


def find_key(keys: Sequence[PublicKey], header: Header) -> PublicKey | None:
    """Return the key that a token may be signed with; without a key id there must be but one that fits."""
    kind, curve = _KEY_OF[header.algorithm]
    fitting = [
        key
        for key in keys
        if (key.kind, key.curve) == (kind, curve)
        and key.algorithm in {"", header.algorithm}
        and (not header.key_id or key.key_id == header.key_id)
    ]
    return fitting[0] if len(fitting) == 1 else None


def verify(token: str, header: Header, key: PublicKey) -> dict[str, Any]:
    """Return the claims of a token that is signed with a key. Raises: BadTokenError."""
    from joserfc import jws  # noqa: PLC0415 (loaded with the first token)
    from joserfc.errors import JoseError  # noqa: PLC0415

    registry = jws.JWSRegistry(algorithms=[header.algorithm], strict_check_header=False)
    registry.max_header_length = _MAX_HEADER_BYTES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # EdDSA has got another name meanwhile.
            signed = jws.deserialize_compact(token, key.key, registry=registry)
        claims = json.loads(signed.payload or b"", parse_constant=_refuse)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadTokenError(f"its signature or its content is not valid: {error}") from error
    if not isinstance(claims, dict):
        raise BadTokenError("its content is no object")
    return claims


def check_claims(claims: dict[str, Any], header: Header, config: OIDCConfig, *, now: float) -> Identity:
    """Return whose a token is, if its claims hold. Raises: BadTokenError."""
    if claims.get("iss") != config.issuer:
        raise BadTokenError("it is of another issuer")
    _check_audience(claims, header, config)
    kind = claims.get("typ", "")
    if "cnf" in claims or "events" in claims or (isinstance(kind, str) and kind.lower() in _FOREIGN_TYPES):
        raise BadTokenError("it is no token for whoever bears it to log in")
    expires_at = _read_time(claims, "exp") + config.leeway_seconds
    issued_at = _read_time(claims, "iat")
    not_before = _read_time(claims, "nbf") if "nbf" in claims else issued_at
    if now >= expires_at:
        raise BadTokenError("it has expired")
    if max(issued_at, not_before) > now + config.leeway_seconds:
        raise BadTokenError("it is of the future")
    return Identity(_read_name(claims, config), expires_at)


def _check_audience(claims: dict[str, Any], header: Header, config: OIDCConfig) -> None:
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else given
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        raise BadTokenError("it has no audience")
    if not set(audiences) & set(config.audience):
        raise BadTokenError("it is for another audience")
    party = claims.get("azp", claims.get("client_id"))
    if config.authorized_parties:
        if not isinstance(party, str) or party not in config.authorized_parties:
            raise BadTokenError("it was issued to another client")
    elif len(audiences) > 1 and not header.is_access_token and claims.get("azp") not in config.audience:
        # An ID token for several says for whom it was made.
        raise BadTokenError("it was issued to another client")


def _read_time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadTokenError(f"its {name} is missing or no date")
    if not 0 <= value < 2**53:
        raise BadTokenError(f"its {name} is no date")
    return float(value)


def _read_name(claims: dict[str, Any], config: OIDCConfig) -> str:
    name = claims.get(config.account_claim)
    if not isinstance(name, str) or not name or len(name) > MAX_NAME_CHARS or "\x00" in name:
        raise BadTokenError(f"its {config.account_claim} is missing or no address")
    is_email = config.account_claim == "email" and config.require_verified_email
    if is_email and claims.get("email_verified") is not True:
        raise BadTokenError("its email is not verified")
    return name


def _parse_key(found: dict[str, Any]) -> PublicKey | None:
    """Return a key of a key set, None if it is not for verifying signatures or not understood."""
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415 (loaded with the first token)

    classes: dict[Any, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
        "RSA": RSAKey,
        "EC": ECKey,
        "OKP": OKPKey,
    }
    kind, key_id, algorithm = found.get("kty"), found.get("kid", ""), found.get("alg", "")
    operations = found.get("key_ops", ["verify"])
    if not isinstance(kind, str) or kind not in classes or found.get("use", "sig") != "sig":
        return None
    if not isinstance(key_id, str) or not isinstance(algorithm, str):
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    # Of a key that should never have been published, the private part is not even read.
    names = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}[kind]
    public: dict[str, Any] = {name: found.get(name) for name in names}
    curve = public.get("crv", "")
    if not all(isinstance(value, str) for value in public.values()) or (kind, curve) not in _KEY_OF.values():
        return None
    try:
        key = classes[kind].import_key({"kty": kind, **public})
    except (JoseError, ValueError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
        return None
    return PublicKey(key_id, kind, str(curve), algorithm, key)


def _decode(encoded: str) -> dict[str, Any]:
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        found = json.loads(text, parse_constant=_refuse)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadTokenError("its header is not JSON") from error
    if not isinstance(found, dict):
        raise BadTokenError("its header is no object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
