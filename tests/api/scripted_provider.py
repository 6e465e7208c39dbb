"""A provider of tokens that answers what a test wants it to, and tokens that it would never sign."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwk, jws

from postroom.bench.server import find_free_port
from tests.api.identity_provider import CLIENT
from tests.api.world import World

ADDRESS = "ann@example.test"
RSA, OTHER_RSA = (jwk.RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two"))
EC = jwk.ECKey.generate_key("P-256", {"kid": "curve"})
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "edwards"})


@dataclass
class Scripted:
    """A provider that answers what a test wants it to."""

    issuer: str
    keys: list[Any] = field(default_factory=lambda: [RSA.as_dict(private=False)])
    discovery: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    raw: bytes | None = None
    is_silent: bool = False
    asked: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        self.asked.append(path)
        if self.is_silent:
            await reader.read()
        else:
            found: Any = {"keys": self.keys}
            if path.endswith("/openid-configuration"):
                found = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.discovery}
            body = json.dumps(found).encode() if self.raw is None else self.raw
            head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
        writer.close()


@asynccontextmanager
async def serving_tokens() -> AsyncIterator[Scripted]:
    """Run a provider on a free port for the time of a block."""
    port = find_free_port()
    scripted = Scripted(f"http://127.0.0.1:{port}")
    async with await asyncio.start_server(scripted.answer, "127.0.0.1", port) as server:
        yield scripted
        server.close()


def claims_of(world: World, provider: Scripted, **changes: Any) -> dict[str, Any]:
    now = int(world.clock.now)
    claims = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "sub": "1",
        "iat": now,
        "exp": now + 600,
        "email": ADDRESS,
        "email_verified": True,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def sign(claims: Any, key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """Return a token; the library's own signing is too careful for what is to be refused."""
    named = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **header}
    signed = f"{encode({name: value for name, value in named.items() if value is not ...})}.{encode(claims)}"
    return f"{signed}.{to_text(jws.JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


def sign_by_secret(claims: Any, secret: bytes) -> str:
    """Return a token that takes a key that everybody knows for a secret that two share."""
    signed = f"{encode({'alg': 'HS256', 'kid': 'one'})}.{encode(claims)}"
    return f"{signed}.{to_text(hmac.digest(secret, signed.encode(), 'sha256'))}"


def encode(part: Any) -> str:
    return to_text(json.dumps(part).encode())


def to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
