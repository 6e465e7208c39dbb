"""DKIM signatures (RFC 6376), relaxed/relaxed, by RSA (rsa-sha256) or Ed25519 (RFC 8463). Pure.

A message is signed for the domain of its From field, which is what receivers compare (RFC 7489). All fields that
readers see are signed, and those that must not be added on the way (a second From, say) once more than they are
there.
Large bodies are canonicalised piece by piece, so that other threads have their turn.

The RSA is that of ``cryptography``: dkimpy has one in Python, which takes many times as long, and a time that depends
on the key. Tests verify what is signed here with dkimpy.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

RSA, ED25519 = "rsa", "ed25519"

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

SIGNED: Final = (
    b"from",
    b"sender",
    b"reply-to",
    b"subject",
    b"date",
    b"message-id",
    b"to",
    b"cc",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"in-reply-to",
    b"references",
    b"auto-submitted",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
"""Fields that are signed where they are there (RFC 6376 §5.4.1)."""
_NOT_TO_BE_ADDED: Final = frozenset(
    (b"from", b"reply-to", b"subject", b"date", b"message-id", b"to", b"cc", b"mime-version", b"content-type")
)
_RUNS: Final = re.compile(rb"[ \t]{2,}|\t")
_FOLD: Final = re.compile(rb"\r\n(?=[ \t])")
_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_FROM_DOMAIN: Final = re.compile(rb"@([A-Za-z0-9.\x80-\xff-]+)[ \t]*>?")
_QUOTED_OR_COMMENT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"(?!@)|\([^()]*\)', re.DOTALL)
_PIECE_BYTES: Final = 262_144
_BASE64_CHARS: Final = 72


@dataclass(frozen=True)
class DKIMKey:
    """A private key, with the names under which its public part is found."""

    domain: str
    selector: str
    private: PrivateKey

    @property
    def record_name(self) -> str:
        """The name of the DNS record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The text of the DNS record (RFC 6376 §3.6.1, RFC 8463)."""
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            kind, data = ED25519, public.public_bytes_raw()
        else:
            encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            kind, data = RSA, public.public_bytes(encoding, form)
        return f"v=DKIM1; k={kind}; p={base64.b64encode(data).decode('ascii')}"


class Keys(Protocol):
    """Keys by domain."""

    def find(self, domain: str) -> DKIMKey | None:
        """Return the key of a domain in lower case, None if it has none. Raises: KeyUnusableError."""


def sign_message(content: bytes, keys: Keys, *, now: float) -> bytes:
    """Return the DKIM-Signature field, with its line end; b"" without a key.

    Args:
        content: a message as it goes on the wire: CRLF is its only line end, and ends its last line.
        keys: where keys are found.
        now: the time of the signature.

    Raises: KeyUnusableError.
    """
    fields, body_start = split_fields(content)
    domain = find_from_domain(fields)
    key = keys.find(domain) if domain else None
    if key is None:
        return b""
    chosen = _choose_fields(fields)
    unsigned = _render(key, chosen, body_hash=hash_body(content, body_start), now=now)
    text = [field for _, field in chosen if field is not None]
    data = b"".join(relax_field(field) + b"\r\n" for field in text) + relax_field(unsigned)
    return unsigned + _fold(base64.b64encode(_sign(key.private, data))) + b"\r\n"


def split_fields(content: bytes) -> tuple[list[tuple[bytes, bytes]], int]:
    """Return the header fields (name in lower case, the field without its last CRLF), and where the body starts."""
    end = content.find(b"\r\n\r\n")
    head, start = (content, len(content)) if end < 0 else (content[:end], end + 4)
    if content.startswith(b"\r\n"):
        return [], 2
    fields: list[tuple[bytes, bytes]] = []
    for line in _iter_fields(head.removesuffix(b"\r\n")):
        match = _FIELD.fullmatch(line)
        if match is not None:
            fields.append((match[1].lower(), line))
    return fields, start


def _iter_fields(head: bytes) -> Iterator[bytes]:
    """Yield fields with their folds."""
    field: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in {b" ", b"\t"} and field:
            field.append(line)
            continue
        if field:
            yield b"\r\n".join(field)
        field = [line]
    if field:
        yield b"\r\n".join(field)


def find_from_domain(fields: list[tuple[bytes, bytes]]) -> str:
    """Return the domain of the only From field in lower case, as A-labels; "" if it is not clear."""
    values = [field.partition(b":")[2] for name, field in fields if name == b"from"]
    if len(values) != 1:
        return ""
    found = _FROM_DOMAIN.findall(_QUOTED_OR_COMMENT.sub(b"", values[0]))
    try:
        domains = {_as_ascii(domain.decode("utf-8")) for domain in found}
    except UnicodeError:
        return ""
    return domains.pop() if len(domains) == 1 else ""


def _as_ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower().rstrip(".")
    import idna  # noqa: PLC0415 (rarely needed, and large)

    return idna.encode(domain, uts46=True).decode("ascii")


def _choose_fields(fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes | None]]:
    """Return names and fields in the order of the signature; None for a field that must not be added.

    Of fields with one name the last one comes first (RFC 6376 §5.4.2).
    """
    chosen: list[tuple[bytes, bytes | None]] = []
    for wanted in SIGNED:
        chosen += [(name, field) for name, field in reversed(fields) if name == wanted]
        if wanted in _NOT_TO_BE_ADDED:
            chosen.append((wanted, None))
    return chosen


def relax_field(field: bytes) -> bytes:
    """Return a field by the relaxed canonicalisation (RFC 6376 §3.4.2), without a line end."""
    name, _, value = field.partition(b":")
    value = _RUNS.sub(b" ", _FOLD.sub(b"", value)).strip(b" \t")
    return name.strip(b" \t").lower() + b":" + value


def hash_body(content: bytes, start: int) -> bytes:
    """Return the SHA-256 of a body by the relaxed canonicalisation (RFC 6376 §3.4.4)."""
    digest = hashlib.sha256()
    empty_lines = 0
    for piece in _iter_pieces(content, start):
        relaxed = _RUNS.sub(b" ", piece).replace(b" \r\n", b"\r\n")
        text = relaxed.rstrip(b"\r\n")
        ends = (len(relaxed) - len(text)) // 2
        if text:
            digest.update(b"\r\n" * empty_lines)
            digest.update(text)
            empty_lines = 0
        empty_lines += ends
        has_text = bool(text)
        if has_text and ends:
            digest.update(b"\r\n")
            empty_lines -= 1
    return digest.digest()


def _iter_pieces(content: bytes, start: int) -> Iterator[bytes]:
    """Yield a body in pieces that end with a line end; one is put behind the last line if it has none."""
    while start < len(content):
        end = content.rfind(b"\r\n", start, start + _PIECE_BYTES)
        if end < 0:
            end = content.find(b"\r\n", start)
        if end < 0:
            yield content[start:] + b"\r\n"
            return
        yield content[start : end + 2]
        start = end + 2


def _render(key: DKIMKey, chosen: list[tuple[bytes, bytes | None]], *, body_hash: bytes, now: float) -> bytes:
    """Return the field up to its last tag, b, which is empty."""
    algorithm = RSA if isinstance(key.private, rsa.RSAPrivateKey) else ED25519
    names = _wrap([name.decode("ascii") for name, _ in chosen])
    return (
        f"DKIM-Signature: v=1; a={algorithm}-sha256; c=relaxed/relaxed; d={key.domain};\r\n"
        f"\ts={key.selector}; t={int(now)};\r\n"
        f"\th={names};\r\n"
        f"\tbh={base64.b64encode(body_hash).decode('ascii')};\r\n"
        f"\tb="
    ).encode("ascii")


def _wrap(names: list[str]) -> str:
    """Return names with colons between them, on lines that are not too long."""
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) > _BASE64_CHARS - 4:
            lines.append(line)
            line = ""
        line += name + ":"
    return "\r\n\t ".join([*lines, line.removesuffix(":")])


def _fold(text: bytes) -> bytes:
    return b"\r\n\t ".join(
        text[start : start + _BASE64_CHARS] for start in range(0, len(text), _BASE64_CHARS)
    )


def _sign(private: PrivateKey, data: bytes) -> bytes:
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return private.sign(hashlib.sha256(data).digest())
