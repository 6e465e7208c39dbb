"""`postroom dkim …`: keys that are made once, and the records that receivers look up."""

import re
from collections.abc import Callable
from pathlib import Path

import dkim  # type: ignore[import-untyped]
import pytest

from postroom.cli.app import build_app, run
from postroom.outgoing.dkim import sign_message
from postroom.outgoing.dkim_keys import DKIMKeys

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in a folder with a configuration; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postroom.toml").touch()

    def call_command(*arguments: str) -> tuple[int, str, str]:
        status = run(build_app(), arguments)
        return status, *capsys.readouterr()

    return call_command


def test_the_record_is_the_keys(call: Call, tmp_path: Path) -> None:
    status, made, _ = call("dkim", "generate", "Example.test")
    assert status == 0
    assert call("dkim", "show", "example.test") == (0, made, "")
    name, kind, text = made.partition(" IN TXT ")
    assert (name, kind) == ("postroom._domainkey.example.test.", " IN TXT ")
    strings = re.findall(r'"([^"]*)"', text)
    assert all(len(string) <= 255 for string in strings)
    keys = DKIMKeys(tmp_path / "postroom-data", selector="postroom")
    message = b"From: ann@example.test\r\n\r\nHello\r\n"
    signed = sign_message(message, keys, now=1_750_000_000) + message
    assert dkim.verify(signed, dnsfunc=lambda *_, **__: "".join(strings).encode())


def test_a_key_that_no_server_would_find(call: Call, tmp_path: Path) -> None:
    """Where nothing says where the data folder is, and there is none, none is made for the key."""
    (tmp_path / "postroom.toml").unlink()
    for command in ("generate", "show"):
        status, out, err = call("dkim", command, "example.test")
        assert (status, out) == (2, "")
        assert err.startswith("postroom: there is no store in ")
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_never_overwritten(call: Call) -> None:
    assert call("dkim", "generate", "example.test", "--algorithm", "ed25519")[0] == 0
    before = call("dkim", "show", "example.test")
    status, out, err = call("dkim", "generate", "example.test")
    assert (status, out) == (2, "")
    assert "is there already" in err
    assert call("dkim", "show", "example.test") == before
    status, out, _ = call("dkim", "generate", "example.test", "--selector", "s2", "--algorithm", "ed25519")
    assert (status, out[:28]) == (0, "s2._domainkey.example.test. ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("show", "example.test"), "made by postroom dkim generate example.test, does not exist"),
        (("generate", "no domain"), "is not a domain name"),
        (("generate", "../x"), "is not a domain name"),
        (("generate", "example.test", "--selector", "../x"), "selector must be made of"),
        (("generate", "example.test", "--bits", "512"), "bits must be from 1024 to 4096"),
        (("generate", "example.test", "--algorithm", "dsa"), "dsa"),
    ],
)
def test_bad_input(call: Call, arguments: tuple[str, ...], problem: str) -> None:
    status, out, err = call("dkim", *arguments)
    assert (status, out) == (2, "")
    assert problem in err


def test_an_open_key_is_told_of(call: Call, tmp_path: Path) -> None:
    call("dkim", "generate", "example.test", "--algorithm", "ed25519")
    (tmp_path / "postroom-data" / "dkim" / "example.test" / "postroom.pem").chmod(0o644)
    status, _, err = call("dkim", "show", "example.test")
    assert status == 2
    assert "can be read by others: chmod 600" in err
