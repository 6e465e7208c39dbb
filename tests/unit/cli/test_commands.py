"""The commands in one process: what they do to the store, what they print, how they fail."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postroom.cli.app import build_app, run

Call = Callable[..., tuple[int, str, str]]

CONFIG = """
[auth]
argon2_time_cost = 1
argon2_memory_kib = 64
[classes.student]
language = "de"
messages = 2
[classes.strict.restrictions.password_policy]
content_policy = {enabled = true, min_length = 10, must_include = "lettersAndNumbers"}
history = {enabled = true}
renewal_interval = {enabled = true}
"""


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Call]:
    """Run a command in an empty folder, with bytes on standard input; return status, output and errors."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("POSTROOM_")]:
        monkeypatch.delenv(name)
    (tmp_path / "postroom.toml").write_text(CONFIG)

    def call_command(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        (tmp_path / "stdin").write_bytes(stdin)
        with (tmp_path / "stdin").open() as file:
            monkeypatch.setattr("sys.stdin", file)
            status = run(build_app(), arguments)
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return call_command  # type: ignore[return-value]


@pytest.fixture
def anna(call: Call) -> str:
    assert call("domain", "add", "example.test") == (0, "added example.test\n", "")
    arguments = ("account", "add", "Anna@example.test", "--full-name", "Anna Ä", "--password-stdin")
    assert call(*arguments, "--alias", "a@example.test", "--alias", "b@example.test", stdin=b"secret\n") == (
        0,
        "added anna@example.test\n",
        "",
    )
    return "anna@example.test"


def test_init_may_be_repeated(call: Call, tmp_path: Path) -> None:
    line = f"the store is ready (sqlite), data folder {tmp_path}/postroom-data\n"
    assert call("init") == (0, line, "")
    assert call("init") == (0, line, "")
    assert call("init", "--set", "data_dir=other")[0] == 0
    assert (tmp_path / "other").is_dir()


def test_domains(call: Call) -> None:
    assert call("domain", "add", "Example.Test")[0] == 0
    assert call("domain", "add", "other.test", "--alias-of", "example.test") == (
        0,
        "added other.test, an alias of example.test\n",
        "",
    )
    assert call("domain", "list") == (0, "example.test\nother.test    alias of example.test\n", "")
    listed = json.loads(call("domain", "list", "--json")[1])
    assert listed[1] == {"name": "other.test", "aliasOf": "example.test"}
    assert call("domain", "remove", "example.test") == (
        2,
        "",
        "postroom: 1 domain aliases still stand for domain example.test\n",
    )
    assert call("domain", "remove", "other.test")[0] == 0
    assert call("domain", "remove", "example.test")[0] == 0
    assert call("domain", "list") == (0, "", "")


def test_an_account(call: Call, anna: str) -> None:
    facts = json.loads(call("account", "show", "b@example.test", "--json")[1])
    assert (facts["address"], facts["fullName"], facts["state"]) == (anna, "Anna Ä", "active")
    assert facts["aliases"] == ["a@example.test", "b@example.test"]
    assert "full name:             Anna Ä\n" in call("account", "show", anna)[1]
    assert call("account", "list") == (0, "anna@example.test  active  default  Anna Ä\n", "")
    assert call("account", "list", "other.test") == (0, "", "")
    assert call("account", "disable", anna) == (0, f"disabled {anna}\n", "")
    assert json.loads(call("account", "list", "--json")[1])[0]["state"] == "disabled"
    assert call("account", "enable", anna) == (0, f"enabled {anna}\n", "")
    assert call("account", "remove", anna) == (0, f"removed {anna}\n", "")
    assert call("account", "show", anna) == (2, "", f"postroom: account {anna} does not exist\n")


def test_the_audit_of_an_account(call: Call, anna: str) -> None:
    assert call("account", "audit", anna) == (0, "", "")
    assert call("account", "disable", anna)[0] == 0
    assert call("account", "disable", anna)[0] == 0
    assert call("account", "enable", "a@example.test")[0] == 0
    assert call("account", "set", anna, "--password-stdin", stdin=b"another\n")[0] == 0
    found = json.loads(call("account", "audit", anna, "--json")[1])
    assert [one["kind"] for one in found] == ["passwordChanged", "accountEnabled", "accountDisabled"]
    assert list(found[0]) == ["time", "kind", "client", "details"]
    assert (found[0]["client"], found[0]["details"]) == ("", {"by": "operator"})
    status, out, _ = call("account", "audit", "b@example.test")
    assert status == 0
    assert out.splitlines()[0].endswith('passwordChanged    by="operator"')
    assert call("account", "audit", "nobody@example.test")[0] == 2


def test_changing_an_account(call: Call, anna: str) -> None:
    arguments = ("account", "set", anna, "--class", "student", "--language", "fr", "--must-change-password")
    assert call(*arguments, "--alias", "c@example.test", "--remove-alias", "a@example.test") == (
        0,
        f"changed {anna}\n",
        "",
    )
    facts = json.loads(call("account", "show", anna, "--json")[1])
    assert facts["aliases"] == ["b@example.test", "c@example.test"]
    assert (facts["class"], facts["language"], facts["mustChangePassword"]) == ("student", "fr", True)
    assert (facts["fullName"], facts["messagesLimit"]) == ("Anna Ä", 2)
    assert call("account", "set", anna, "--no-must-change-password", "--full-name", "")[0] == 0
    facts = json.loads(call("account", "show", anna, "--json")[1])
    assert (facts["mustChangePassword"], facts["fullName"]) == (False, "")
    assert call("account", "set", anna, "--password-stdin", stdin=b"new")[0] == 0
    assert call("account", "set", anna) == (
        2,
        "",
        "postroom: nothing to change; see postroom account set --help\n",
    )


def test_passwords_that_the_policy_forbids(call: Call, anna: str) -> None:
    berta = "berta@example.test"
    add = ("account", "add", berta, "--class", "strict", "--password-stdin")
    hint = " (--ignore-policy takes it nevertheless)\n"
    too_short = "postroom: the password must have at least 10 characters" + hint
    assert call(*add, stdin=b"secret 1") == (2, "", too_short)
    assert call(*add, "--ignore-policy", stdin=b"secret 1")[0] == 0
    change = ("account", "set", berta, "--password-stdin")
    assert call(*change, stdin=b"letters alone") == (
        2,
        "",
        "postroom: the password must have at least one number" + hint,
    )
    assert call(*change, "--ignore-policy", stdin=b"secret 1") == (0, f"changed {berta}\n", "")
    assert call(*change, stdin=b"a good secret 1")[0] == 0
    for old in (b"secret 1", b"a good secret 1"):
        assert call(*change, stdin=old)[0] == 2
    assert call(*change, "--ignore-policy", stdin=b"a\tb") == (
        2,
        "",
        "postroom: a password has no control characters in it\n",
    )
    facts = json.loads(call("account", "show", berta, "--json")[1])
    assert (facts["mustChangePassword"], facts["passwordSet"] >= facts["created"]) == (False, True)
    # The policy is that of the class that the account gets.
    assert call("account", "set", anna, "--class", "strict", "--password-stdin", stdin=b"short")[0] == 2
    assert call("account", "set", berta, "--class", "default", "--password-stdin", stdin=b"short")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["account", "add", "x@example.test"], b"", "there is no terminal to ask for a password on; pass it"),
        (["account", "add", "x@example.test", "--password-stdin"], b"", "a password has from 1 to"),
        (
            ["account", "add", "x@example.test", "--password-stdin"],
            b"\xff",
            "the password is not valid UTF-8",
        ),
        (
            ["account", "add", "x@gone.test", "--password-stdin"],
            b"s",
            "domain gone.test (postroom domain add",
        ),
        (["account", "add", "x", "--password-stdin"], b"s", "'x' is not an address of the form user@domain"),
        (
            ["account", "add", "anna@example.test", "--password-stdin"],
            b"s",
            "address anna@example.test is taken",
        ),
        (
            ["account", "add", "x@example.test", "--password-stdin", "--class", "no"],
            b"s",
            "there is no class 'no' (there is default, strict, student)",
        ),
        (
            ["account", "set", "anna@example.test", "--ignore-policy"],
            b"",
            "--ignore-policy is for a new password",
        ),
        (["account", "add"], b"", 'Command "account add" parameter ADDRESS requires an argument.'),
        (["account", "shw", "x"], b"", "unknown command shw; did you mean show?"),
        (["account", "show", "x", "y"], b"", "unexpected: y"),
        (["account", "show", "x", "--jsn"], b"", "Unknown option: --jsn."),
        (["frobnicate"], b"", "unknown command frobnicate; there is account, backup, check"),
        (["config", "check", "--set", "http.listen"], b"", "--set http.listen: must be OPTION=VALUE"),
        (["config", "check", "--config", "gone.toml"], b"", "gone.toml: cannot be read: No such file"),
        (["init", "--set", "data_dir=postroom.toml"], b"", "postroom.toml: File exists"),
        (["import", "anna@example.test"], b"", "name at least one file or folder to import"),
        (["import", "nobody@example.test", "x"], b"", "account nobody@example.test does not exist"),
        (["export", "anna@example.test", "x", "--folder", "None"], b"", "folder None does not exist"),
    ],
)
def test_failures_are_one_line(
    call: Call, anna: str, arguments: list[str], stdin: bytes, message: str
) -> None:
    status, out, err = call(*arguments, stdin=stdin)
    assert (status, out) == (2, "")
    assert err.startswith(f"postroom: {message}")
    assert err.count("\n") == 1


def test_all_problems_of_the_configuration(call: Call) -> None:
    status, out, err = call("config", "check", "--set", "http.listen=x", "--set", "no.such=1")
    assert (status, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["http.listen", "no.such"]
    assert call("config", "check") == (0, "the configuration is good\n", "")


def test_showing_the_configuration(call: Call) -> None:
    status, out, err = call("config", "show", "--set", "http.listen=127.0.0.1:9")
    assert (status, err) == (0, "")
    assert 'listen = "127.0.0.1:9"  # --set http.listen\n' in out
    assert "argon2_memory_kib = 64  # postroom.toml\n" in out


def test_the_manual(call: Call) -> None:
    status, out, _ = call("config", "manual")
    assert status == 0
    assert out == (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()


def test_import_export_and_check(call: Call, anna: str, tmp_path: Path) -> None:
    source = tmp_path / "mails"
    source.mkdir()
    for number in range(3):
        (source / f"{number}.eml").write_text(f"Subject: {number}\n\nx\n")
    (source / "bad.eml").touch()
    status, out, err = call("import", anna, "mails", "--folder", "Sent", "--read")
    assert (status, out.splitlines()[-1]) == (1, "imported 3 messages, 1 could not be imported")
    assert err == "postroom: mails/bad.eml: empty\n"
    (source / "bad.eml").unlink()
    status, out, err = call("import", anna, "mails", "mails/1.eml", "--folder", "sent")
    assert (status, out.splitlines()[-1], err) == (0, "imported 0 messages, 4 were there already", "")
    status, out, err = call("export", anna, "all.mbox")
    assert (status, out.splitlines()[-1], err) == (0, "exported 3 messages", "")
    assert call("export", anna, "all.mbox")[2] == "postroom: all.mbox exists already\n"
    assert call("export", anna, "maildir")[0] == 0
    assert len(list((tmp_path / "maildir" / ".Sent" / "cur").glob("*:2,S"))) == 3
    status, out, err = call("check")
    assert (status, out, err) == (0, "all is well: 1 accounts, 3 mails, 3 messages\n", "")


def test_an_import_ends_where_the_mailbox_is_full(call: Call, anna: str, tmp_path: Path) -> None:
    call("account", "set", anna, "--class", "student")
    for number in range(5):
        (tmp_path / f"{number}.eml").write_text(f"Subject: {number}\n\nx\n")
    status, out, err = call("import", anna, ".")
    assert (status, out.splitlines()[-1]) == (2, "imported 2 messages")
    assert err == "postroom: the mailbox holds as many messages as it may\n"


def test_a_check_that_finds_something(call: Call, anna: str, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text("Subject: a\n\nx\n")
    call("import", anna, "a.eml")
    import apsw  # noqa: PLC0415 (this test alone breaks a store)

    connection = apsw.Connection(str(tmp_path / "postroom-data" / "postroom.sqlite"))
    connection.execute("UPDATE folder SET unread_items = 7 WHERE unread_items = 1")
    connection.close()
    status, out, _ = call("check", "--json")
    report = json.loads(out)
    assert (status, report["ok"], report["mails"]) == (1, False, 1)
    (finding,) = report["findings"]
    assert (finding["kind"], finding["account"], finding["repaired"]) == ("counter", anna, False)
    status, out, _ = call("check", "--repair")
    assert status == 1
    assert out.splitlines()[-1] == "1 findings, 1 of them repaired: 1 accounts, 1 mails, 1 messages"
    assert call("check")[0] == 0


def test_every_command_takes_a_configuration(call: Call) -> None:
    groups: dict[str, list[str]] = {
        "": ["serve", "init", "check", "reindex", "import", "export"],
        "domain": ["add", "list", "remove"],
        "account": ["add", "list", "show", "set", "audit", "disable", "enable", "remove"],
        "config": ["show", "check"],
    }
    for group, names in groups.items():
        for name in names:
            status, out, _ = call(*filter(None, [group, name]), "--help")
            assert status == 0
            assert "--config" in out, (group, name)
            assert "Where the configuration is" not in out, (group, name)
