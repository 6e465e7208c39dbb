"""Signatures, judged by dkimpy; keys in files."""

import base64
import hashlib
import os
import stat
from pathlib import Path

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PostroomError
from postroom.outgoing.dkim import (
    DKIMKey,
    find_from_domain,
    hash_body,
    relax_field,
    sign_message,
    split_fields,
)
from postroom.outgoing.dkim_keys import DKIMKeys, KeyUnusableError

NOW = 1_750_000_000.0
MESSAGE = (
    b"Received: from x\r\n\tby y; now\r\nFrom: =?utf-8?q?J=C3=B6rg?= <ann@Example.test>\r\nTo: bob@example.net,\r\n"
    b"  eve@example.net \r\nSubject:  two  spaces\tand a tab \r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"Message-ID: <1@example.test>\r\nX-Other: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
    b"Hello  there \r\n\r\n\t indented\r\n.\r\n\r\n\r\n"
)


class OneKey:
    """Keys of one domain."""

    def __init__(self, key: DKIMKey) -> None:
        self.key = key

    def find(self, domain: str) -> DKIMKey | None:
        return self.key if domain == self.key.domain else None


@pytest.fixture(scope="module")
def key() -> DKIMKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return DKIMKey("example.test", "sel", private)


def verify(message: bytes, key: DKIMKey) -> bool:
    def lookup(name: bytes, timeout: int = 5) -> bytes:
        assert name.decode() == f"{key.record_name}."
        return key.record.encode()

    return bool(dkim.verify(message, dnsfunc=lookup))


def test_dkimpy_believes_it(key: DKIMKey) -> None:
    field = sign_message(MESSAGE, OneKey(key), now=NOW)
    assert field.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.test;\r\n")
    assert b"t=1750000000;" in field
    assert all(len(line) <= 78 for line in field.split(b"\r\n"))
    assert verify(field + MESSAGE, key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hullo"),
        (b"Subject:  two", b"Subject: 2"),
        (b"To: bob", b"Cc: x@y.example\r\nTo: bob"),
        (b"From:", b"From: evil@example.test\r\nFrom:"),
        (b"Subject:", b"Subject: other\r\nSubject:"),
        (b"eve@", b"eva@"),
    ],
)
def test_a_change_breaks_it(key: DKIMKey, old: bytes, new: bytes) -> None:
    field = sign_message(MESSAGE, OneKey(key), now=NOW)
    assert not verify(field + MESSAGE.replace(old, new, 1), key)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"  two  spaces\tand", b" two spaces and"),
        (b"there \r\n", b"there\r\n"),
        (b"X-Other: x", b"X-Other: y"),
    ],
)
def test_what_relays_do_leaves_it_whole(key: DKIMKey, old: bytes, new: bytes) -> None:
    field = sign_message(MESSAGE, OneKey(key), now=NOW)
    assert verify(field + MESSAGE.replace(old, new, 1), key)


def test_ed25519() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    key = DKIMKey("example.test", "sel", private)
    field = sign_message(MESSAGE, OneKey(key), now=NOW)
    assert b"a=ed25519-sha256;" in field
    head, _, signature = field.partition(b"\tb=")
    names = head.partition(b"h=")[2].partition(b";")[0].replace(b"\r\n\t ", b"").split(b":")
    fields, _ = split_fields(MESSAGE)
    there = dict(fields)
    chosen = [there.pop(name) for name in names if name in there]
    data = b"".join(relax_field(one) + b"\r\n" for one in chosen) + relax_field(head + b"\tb=")
    private.public_key().verify(base64.b64decode(signature), hashlib.sha256(data).digest())
    assert base64.b64decode(key.record.rpartition("p=")[2]) == private.public_key().public_bytes_raw()


_PIECES = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n", b"a", b".", b"\xe4", b"word", b"  ", b"\r\n\r\n"]), max_size=40
)


@given(body=_PIECES.map(b"".join), subject=st.text(st.sampled_from("ab \t:"), max_size=20))
def test_any_body_and_subject(key: DKIMKey, body: bytes, subject: str) -> None:
    message = b"From: ann@example.test\r\nSubject:" + subject.encode() + b"x\r\n\r\n" + body + b"\r\n"
    assert verify(sign_message(message, OneKey(key), now=NOW) + message, key)


def test_a_large_body_in_pieces(key: DKIMKey) -> None:
    lines = b"".join(b"line %d  \r\n" % number + b"\r\n" * (number % 5) for number in range(60_000))
    message = b"From: ann@example.test\r\n\r\n" + lines + b"x" * 400_000 + b"\r\n" * 200_000
    assert verify(sign_message(message, OneKey(key), now=NOW) + message, key)


def test_a_body_of_blanks_takes_linear_time() -> None:
    body = b" " * 3_000_000 + b"x\r\n"
    assert hash_body(body, 0) == hashlib.sha256(b" x\r\n").digest()


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        (b" ann@example.test", "example.test"),
        (b' "a@other.test" <ann@EXAMPLE.test.>', "example.test"),
        (b" (ann@other.test) ann@example.test (x)", "example.test"),
        (" Jörg <jörg@bücher.example>".encode(), "xn--bcher-kva.example"),
        (b' "odd name"@example.test', "example.test"),
        (b" a@example.test, b@example.test", "example.test"),
        (b" a@example.test, b@other.test", ""),
        (b" nobody", ""),
        (b" x@\xff\xfe", ""),
    ],
)
def test_the_domain_of_from(value: bytes, domain: str) -> None:
    assert find_from_domain([(b"from", b"From:" + value)]) == domain


def test_nothing_to_sign_for(key: DKIMKey) -> None:
    for message in (
        b"",
        b"\r\nFrom: ann@example.test\r\n",
        b"Subject: x\r\n\r\nx\r\n",
        b"From: x@other.test\r\n\r\n",
    ):
        assert sign_message(message, OneKey(key), now=NOW) == b""
    two = b"From: ann@example.test\r\nFrom: ann@example.test\r\n\r\n"
    assert sign_message(two, OneKey(key), now=NOW) == b""


# Files


def test_keys_in_files(tmp_path: Path) -> None:
    keys = DKIMKeys(tmp_path / "data", selector="sel")
    assert keys.find("other.test") is None
    made = keys.generate("example.test", bits=1024)
    path = keys.get_path("example.test")
    assert path == tmp_path / "data" / "dkim" / "example.test" / "sel.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (
        stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    )
    assert os.listdir(path.parent) == ["sel.pem"]  # noqa: PTH208
    found = DKIMKeys(tmp_path / "data", selector="sel").find("example.test")
    assert found is not None
    assert found.record == made.record
    assert found.record_name == "sel._domainkey.example.test"
    with pytest.raises(PostroomError, match="is there already"):
        keys.generate("example.test")
    assert list(keys.iter_domains()) == ["example.test"]


@pytest.mark.parametrize("domain", ["../x", "a/b", ".", "..", "x" * 300])
def test_no_domain_leads_elsewhere(tmp_path: Path, domain: str) -> None:
    assert DKIMKeys(tmp_path, selector="sel").find(domain) is None


def test_keys_that_others_can_read_or_replace(tmp_path: Path) -> None:
    DKIMKeys(tmp_path, selector="sel").generate("example.test", algorithm="ed25519")
    keys = DKIMKeys(tmp_path, selector="sel")
    path = keys.get_path("example.test")
    path.chmod(0o640)
    with pytest.raises(KeyUnusableError, match="can be read by others: chmod 600"):
        keys.find("example.test")
    with pytest.raises(PostroomError, match="badDKIMKey"):
        keys.check()
    path.chmod(0o600)
    path.parent.chmod(0o770)
    with pytest.raises(KeyUnusableError, match="can be written by others: chmod 700"):
        keys.find("example.test")
    path.parent.chmod(0o700)
    assert keys.find("example.test") is not None


def _pem(private: rsa.RSAPrivateKey, password: bytes = b"") -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def test_files_that_are_no_keys(tmp_path: Path, key: DKIMKey) -> None:
    assert isinstance(key.private, rsa.RSAPrivateKey)
    keys = DKIMKeys(tmp_path, selector="sel")
    path = keys.get_path("example.test")
    path.parent.mkdir(parents=True, mode=0o700)
    path.parent.parent.chmod(0o700)
    path.touch(mode=0o600)
    for content in (b"", b"\xff\x00", b"-----BEGIN PRIVATE KEY-----\nx\n", _pem(key.private, b"secret")):
        path.write_bytes(content)
        with pytest.raises(KeyUnusableError, match="no private key"):
            keys.find("example.test")
    path.write_bytes(_pem(key.private))
    assert keys.find("example.test") is not None


def test_a_key_that_changes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("postroom.outgoing.dkim_keys.time.monotonic", lambda: now)
    keys = DKIMKeys(tmp_path, selector="sel")
    assert keys.find("example.test") is None
    made = keys.generate("example.test", algorithm="ed25519")
    now += 10
    found = keys.find("example.test")
    assert found is not None
    assert found.record == made.record
    keys.get_path("example.test").unlink()
    now += 10
    assert keys.find("example.test") is None
