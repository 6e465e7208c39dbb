"""The filters at work: what goes to Spam, what does not, and what is recorded of it."""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest

from postroom.config.filters import FiltersConfig
from postroom.model.envelope import Envelope
from tests.api.world import User, World, make_message

AVAS = "/api/v1/account/avas"
EXE = ("application/octet-stream", "invoice.exe", b"MZ")
HOST = "mx.example.test"


@pytest.fixture
def filters() -> FiltersConfig:
    return FiltersConfig(trusted_hosts=(HOST,))


async def deliver(
    world: World, users: Sequence[User], raw: bytes, *, sender: str = "sender@example.org", detail: str = ""
) -> None:
    """Deliver a message to all users at once."""
    resolve = world.domain.ingest.resolve_recipient
    addresses = [user.account.address.replace("@", f"{detail}@") for user in users]
    recipients = [await resolve(address, size_bytes=None) for address in addresses]
    envelope = Envelope(
        sender=sender,
        recipients=tuple(recipients),
        client="unix",
        helo="mx.example.test",
        smtputf8=False,
        body_8bit=True,
    )
    assert await world.domain.ingest.deliver(envelope, raw) == [None] * len(users)


def trace(raw: bytes, *fields: str) -> bytes:
    """Return a message as the server in front and ours hand it on, with fields that the former has added."""
    top = ["Received: from mx (unix) by mail with LMTP id 1; x", *fields]
    if not any(field.startswith("Received") for field in fields):
        top.append(f"Received: from far (far [192.0.2.1]) by {HOST} with ESMTP id 2; x")
    return "".join(f"{field}\r\n" for field in top).encode() + raw


async def place(user: User) -> tuple[str, str]:
    """Return where the newest mail of an account is, and what the filters have recorded there."""
    owner = user.account.account_id
    for name, number in (("inbox", 2), ("spam", 6)):
        page = await user.get("/api/v1/mails", folderId=f"{owner}_{number}", sort="date", dir="DESC")
        if page["items"]:
            mail = page["items"][0]["id"]
            header = (await user.client.get(f"/api/v1/mails/{mail}/headers")).text
            found = re.findall(r"(?im)^x-postroom-filter[ \t]*:[ \t]*(.*?)\r?$", header)
            assert len(found) <= 1
            response = await user.client.delete(f"/api/v1/mails/{mail}?permanent=true")
            assert response.status_code == 200, response.text
            return name, "".join(found)
    return "", ""


async def judge(user: User, raw: bytes, *, sender: str = "sender@example.org") -> tuple[str, str]:
    """Deliver a message and return where it went, and why."""
    await deliver(user.world, [user], raw, sender=sender)
    return await place(user)


async def use(user: User, *numbers: int) -> None:
    """Turn on some filters, and all others off."""
    assert (await user.client.post(f"{AVAS}/filters/onoff/preset", json={"preset": "off"})).status_code == 200
    for number in numbers:
        path = f"{AVAS}/filters/onoff/{number}"
        assert (await user.client.patch(path, json={"enabled": True})).status_code == 200


async def put(user: User, name: str, address: str) -> None:
    """Put an address on a list."""
    assert (await user.client.post(f"{AVAS}/{name}", json={"emailAddress": address})).status_code == 200


async def know(user: User, address: str) -> None:
    """Put an address into the address book: it is collected as mail is sent to it."""
    await user.client.patch("/api/v1/account/settings", json={"autoAddRecipients": True})
    response = await user.client.post("/api/v1/mails/send", json={"to": address, "subject": "x"})
    assert response.status_code == 200, response.text


INBOX = ("inbox", "")


async def test_plain_mail(ann: User) -> None:
    assert await judge(ann, make_message()) == INBOX
    await use(ann, 1, 2, 3, 4, 5, 6)
    assert await judge(ann, trace(make_message())) == INBOX


# The lists


@pytest.mark.parametrize(
    "address", ["bea@example.org", "BEA@EXAMPLE.ORG", "sender@example.org", "@example.org", "@Example.Org"]
)
async def test_black_list(ann: User, address: str) -> None:
    await put(ann, "blacklist", address)
    assert await judge(ann, make_message()) == ("spam", "blacklist")
    await use(ann)
    assert await judge(ann, make_message()) == ("spam", "blacklist")


@pytest.mark.parametrize("address", ["bea@example.com", "a@example.org", "@org", "@sub.example.org", "@test"])
async def test_black_list_of_others(ann: User, address: str) -> None:
    await put(ann, "blacklist", address)
    assert await judge(ann, make_message()) == INBOX


@pytest.mark.parametrize("entry", ["@bücher.example", "@xn--bcher-kva.example", "bea@BÜCHER.example"])
async def test_internationalised_domains(ann: User, entry: str) -> None:
    await put(ann, "blacklist", entry)
    raw = make_message().replace(b"bea@example.org", "bea@bücher.example".encode())
    assert await judge(ann, raw) == ("spam", "blacklist")
    raw = make_message().replace(b"bea@example.org", b"Bea@XN--bcher-kva.example")
    assert await judge(ann, raw) == ("spam", "blacklist")


@pytest.mark.parametrize(
    "author",
    [
        '"bea"@example.org',
        "Bea <bea@EXAMPLE.org>",
        "x@y.test, bea@example.org",
        "bea@example.org (Comment)",
        "group: x@y.test, bea@example.org;",
        "<@relay.test:bea@example.org>",
    ],
)
async def test_authors_are_found_however_they_are_written(ann: User, author: str) -> None:
    await put(ann, "blacklist", "bea@example.org")
    raw = b"From: " + author.encode() + b"\r\nSubject: x\r\n\r\ntext\r\n"
    assert await judge(ann, raw, sender="") == ("spam", "blacklist")


@pytest.mark.parametrize("address", ["bea@example.org", "@example.org", "Sender@example.org"])
async def test_white_list(ann: User, address: str) -> None:
    await use(ann, 1, 2, 3, 4, 5, 6)
    raw = make_message(attachments=(EXE,), X_Spam_Flag="YES")
    assert (await judge(ann, raw))[0] == "spam"
    await put(ann, "whitelist", address)
    await put(ann, "blacklist", "bea@example.org")
    assert await judge(ann, raw) == INBOX


async def test_address_book(ann: User) -> None:
    await know(ann, "Bea@example.org")
    await put(ann, "blacklist", "@example.org")
    raw = make_message(X_Spam_Flag="YES")
    assert await judge(ann, raw) == INBOX
    # Contacts are no more on the white list, but still no part of the black list.
    await ann.client.patch(AVAS, json={"whitelistIncludeAddressBook": False})
    assert await judge(ann, raw) == ("spam", "1 Spam score (X-Spam-Flag)")
    assert await judge(ann, make_message()) == INBOX
    await ann.client.patch(AVAS, json={"blacklistExcludeAddressBook": False})
    assert await judge(ann, make_message()) == ("spam", "blacklist")
    # On the white list they come first.
    await ann.client.patch(AVAS, json={"whitelistIncludeAddressBook": True})
    assert await judge(ann, raw) == INBOX


# The on/off filters


@pytest.mark.parametrize(
    ("field", "detail"),
    [
        ("X-Spam-Flag: YES", "X-Spam-Flag"),
        ("x-spam-flag: yes", "X-Spam-Flag"),
        ("X-Spam-Status: Yes, score=9.1 required=5", "X-Spam-Status"),
        ("X-Spam: Yes", "X-Spam"),
        ("X-Spam-Flag: NO", None),
        ("X-Spam-Status: No, score=1 (yes)", None),
        ("X-Spam: ", None),
        ("X-Spam-Level: ****", None),
    ],
)
async def test_spam_score(ann: User, field: str, detail: str | None) -> None:
    raw = trace(make_message(), field)
    expected = INBOX if detail is None else ("spam", f"1 Spam score ({detail})")
    assert await judge(ann, raw) == expected
    await use(ann, 2, 3, 4, 5, 6)
    assert await judge(ann, raw) == INBOX


@pytest.mark.parametrize(
    ("results", "detail"),
    [
        ("dmarc=fail (p=none) header.from=example.org", "dmarc=fail"),
        ("spf=fail smtp.mailfrom=example.org; dkim=fail header.d=example.org", "spf=fail dkim=fail"),
        ("spf=fail; dkim=pass", None),
        ("spf=pass; dkim=fail", None),
        ("spf=softfail; dkim=fail", None),
        ("spf=fail; dkim=none", None),
        ("spf=fail; dkim=fail; dkim=pass", None),
        ("dmarc=pass; x=fail", None),
        ("none", None),
    ],
)
async def test_failed_authentication(ann: User, results: str, detail: str | None) -> None:
    await use(ann, 2)
    raw = trace(make_message(), f"Authentication-Results: {HOST}; {results}")
    expected = INBOX if detail is None else ("spam", f"2 Failed authentication ({detail})")
    assert await judge(ann, raw) == expected
    raw = trace(make_message(), f"Authentication-Results: other.test; {results}")
    assert await judge(ann, raw) == INBOX


@pytest.mark.parametrize(
    ("fields", "is_forged"),
    [
        ([], True),
        ([f"Authentication-Results: {HOST}; dmarc=pass"], False),
        ([f"Authentication-Results: {HOST}; auth=pass smtp.auth=ben"], False),
        ([f"Authentication-Results: {HOST}; spf=pass smtp.mailfrom=x@example.test"], False),
        ([f"Authentication-Results: {HOST}; dkim=pass header.d=example.test"], False),
        ([f"Authentication-Results: {HOST}; spf=pass smtp.mailfrom=x@example.org"], True),
        ([f"Authentication-Results: {HOST}; dkim=pass header.d=example.org"], True),
        (["Authentication-Results: other.test; dmarc=pass"], True),
        ([f"Received: from pc ([192.0.2.1]) by {HOST} with ESMTPSA id 2; x"], False),
        ([f"Received: from pc ([192.0.2.1]) by {HOST} with ESMTPS id 2; x"], True),
        ([f"Received: by {HOST} (Postfix, from userid 0) id 2; x"], False),
    ],
)
async def test_forged_sender(ann: User, fields: list[str], is_forged: bool) -> None:
    await use(ann, 3)
    raw = trace(make_message(from_="Ben <ben@EXAMPLE.test>"), *fields)
    assert await judge(ann, raw) == (("spam", "3 Forged sender") if is_forged else INBOX)
    assert await judge(ann, trace(make_message(), *fields)) == INBOX


def make_zip(*members: tuple[str, bytes]) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("attachment", "is_dangerous"),
    [
        (EXE, True),
        (("application/pdf", "invoice.pdf", b"%PDF-1.4"), False),
        (("application/pdf", "invoice.pdf", b"MZ\x90\0\x03\0\0\0"), True),
        (("application/zip", "a.zip", make_zip(("a/b.txt", b"x"), ("run.js", b"x"))), True),
        (("application/zip", "a.zip", make_zip(("a/b.txt", b"x"))), False),
        (
            (
                "application/octet-stream",
                "a.dat",
                make_zip(("in.zip", make_zip(("x.scr", b"")))),
            ),
            True,
        ),
    ],
)
async def test_dangerous_attachments(ann: User, attachment: Any, is_dangerous: bool) -> None:
    raw = make_message(attachments=(attachment,))
    assert await judge(ann, raw) == (("spam", "4 Dangerous attachments") if is_dangerous else INBOX)
    await use(ann, 1, 2, 3, 5, 6)
    assert await judge(ann, raw) == INBOX


@pytest.mark.parametrize(
    ("html", "is_spam"),
    [
        ('<p><img src="https://x.test/a.png"></p>', True),
        ("<p>&nbsp;<IMG SRC = //x.test/a.png></p>", True),
        ('<div style="background:url(http://x.test/a.png)"></div>', True),
        ('<img src="&#104;ttps://x.test/a.png">', True),
        ('<p>Hello <img src="https://x.test/a.png"></p>', False),
        ('<img src="cid:a@b">', False),
        ('<a href="https://x.test/"></a>', False),
    ],
)
async def test_remote_images_alone(ann: User, html: str, is_spam: bool) -> None:
    await use(ann, 5)
    raw = make_message(text="\n", html=html)
    spam = ("spam", "5 Unknown sender with remote images only")
    assert await judge(ann, raw) == (spam if is_spam else INBOX)
    assert await judge(ann, make_message(text="Some text", html=html)) == INBOX


async def test_remote_images_from_somebody_known(ann: User) -> None:
    await use(ann, 5)
    await ann.client.patch(AVAS, json={"whitelistIncludeAddressBook": False})
    raw = make_message(text="\n", html='<img src="https://x.test/a.png">')
    assert (await judge(ann, raw))[0] == "spam"
    await know(ann, "bea@example.org")
    assert await judge(ann, raw) == INBOX


@pytest.mark.parametrize(
    ("fields", "is_spam"),
    [
        (["Precedence: bulk"], True),
        (["Precedence: List"], True),
        (["List-Id: <x.test>"], True),
        (["Mailing-List: x"], True),
        (["Precedence: bulk", "List-Unsubscribe: <https://x.test/>"], False),
        (["List-Id: <x.test>", "List-Unsubscribe: <mailto:x@x.test>"], False),
        (["List-Id: <x.test>", "List-Unsubscribe: "], True),
        (["Precedence: first-class"], False),
        (["Precedence: bulk", "Auto-Submitted: auto-replied"], False),
    ],
)
async def test_bulk(ann: User, fields: list[str], is_spam: bool) -> None:
    await use(ann, 6)
    spam = ("spam", "6 Bulk mail without unsubscribe")
    assert await judge(ann, trace(make_message(), *fields)) == (spam if is_spam else INBOX)


async def test_the_first_filter_in_order_is_recorded(ann: User) -> None:
    fields = [
        "X-Spam-Flag: YES",
        f"Authentication-Results: {HOST}; dmarc=fail",
        "Precedence: bulk",
    ]
    raw = trace(
        make_message(
            text="\n", html="<img src=http://x.test/>", attachments=(EXE,), from_="ben@example.test"
        ),
        *fields,
    )
    names = ["1 Spam score (X-Spam-Flag)", "2 Failed authentication (dmarc=fail)", "3 Forged sender"]
    names += ["4 Dangerous attachments", "5 Unknown sender with remote images only"]
    names += ["6 Bulk mail without unsubscribe"]
    for number, name in enumerate(names, 1):
        await use(ann, *range(number, 7))
        assert await judge(ann, raw) == ("spam", name)


# What becomes of the mail


async def test_each_account_has_its_own_verdict(world: World, ann: User, ben: User) -> None:
    await put(ann, "blacklist", "bea@example.org")
    raw = make_message(attachments=(("text/csv", "a.csv", b"1,2"),))
    await deliver(world, [ann, ben], raw)
    owner = ann.account.account_id
    [mail] = (await ann.get("/api/v1/mails", folderId=f"{owner}_6"))["items"]
    source = (await ann.client.get(f"/api/v1/mails/{mail['id']}/source/download")).content
    assert source == b"X-Postroom-Filter: blacklist\r\n" + raw
    # Its parts are where they are now.
    [attachment] = mail["attachments"]
    path = f"/api/v1/mails/{mail['id']}/attachments/{attachment['id']}/download"
    assert (await ann.client.get(path)).content == b"1,2"
    [mail] = (await ben.get("/api/v1/mails", folderId=ben.inbox))["items"]
    assert (await ben.client.get(f"/api/v1/mails/{mail['id']}/source/download")).content == raw


async def test_counters_and_events(world: World, ann: User) -> None:
    await put(ann, "blacklist", "bea@example.org")
    before = await ann.get("/api/v1/mails/counters")
    await deliver(world, [ann], make_message())
    filters = world.domain.ingest.filters
    assert filters is not None
    assert filters.moved == {"blacklist": 1}
    folder = await ann.get(f"/api/v1/folders/{ann.account.account_id}_6")
    assert (folder["totalItems"], folder["unreadItems"]) == (1, 1)
    assert (await ann.get("/api/v1/mails/counters")) == before
    inbox = await ann.get(f"/api/v1/folders/{ann.inbox}")
    assert inbox["totalItems"] == 0


async def test_a_forged_record_is_renamed(world: World, ann: User) -> None:
    raw = b"x-postroom-filter : 4 forged\r\nX-POSTROOM-FILTER:\r\n folded\r\n" + make_message(
        text="X-Postroom-Filter: text\n"
    )
    await deliver(world, [ann], raw)
    [mail] = (await ann.get("/api/v1/mails", folderId=ann.inbox))["items"]
    source = (await ann.client.get(f"/api/v1/mails/{mail['id']}/source/download")).content
    renamed = raw.replace(b"x-postroom-filter", b"X-Original-Filter", 1)
    assert source == renamed.replace(b"X-POSTROOM-FILTER", b"X-Original-Filter", 1)
    assert await place(ann) == INBOX
    await put(ann, "blacklist", "bea@example.org")
    assert await judge(ann, raw) == ("spam", "blacklist")


async def test_mail_for_another_folder_stays_there(world: World, ann: User) -> None:
    response = await ann.client.post("/api/v1/folders", json={"name": "Lists"})
    folder_id = response.json()["id"]
    await put(ann, "blacklist", "bea@example.org")
    raw = b"X-Postroom-Filter: forged\r\n" + make_message()
    await deliver(world, [ann], raw, detail="+lists")
    [mail] = (await ann.get("/api/v1/mails", folderId=folder_id))["items"]
    source = (await ann.client.get(f"/api/v1/mails/{mail['id']}/source/download")).content
    assert source == raw.replace(b"X-Postroom-Filter", b"X-Original-Filter", 1)


async def test_spam_is_not_answered(world: World, ann: User) -> None:
    away = {"age": 7, "applyAlways": True, "applyToExternal": True, "applyToInternal": True}
    await ann.client.post("/api/v1/account/vacation", json={**away, "body": "Away", "enabled": True})

    async def queued() -> int:
        async with world.store.directory() as directory:
            return await directory.outgoing.count_waiting()

    await put(ann, "blacklist", "bea@example.org")
    await deliver(world, [ann], make_message())
    none = await queued()
    await put(ann, "whitelist", "bea@example.org")
    await deliver(world, [ann], make_message())
    assert await queued() == none + 1


@pytest.mark.parametrize("size", [100_000, 3_000_000])
async def test_large_messages(world: World, ann: User, size: int) -> None:
    """Those that lie in the blob store are the same."""
    content = bytes(range(256)) * (size // 256)
    raw = b"X-Postroom-Filter: forged\r\n" + make_message(
        attachments=(("application/octet-stream", "a.bin", content),)
    )
    await put(ann, "blacklist", "bea@example.org")
    await deliver(world, [ann], raw)
    [mail] = (await ann.get("/api/v1/mails", folderId=f"{ann.account.account_id}_6"))["items"]
    path = f"/api/v1/mails/{mail['id']}/attachments/{mail['attachments'][0]['id']}/download"
    assert (await ann.client.get(path)).content == content
    source = (await ann.client.get(f"/api/v1/mails/{mail['id']}/source/download")).content
    assert source == b"X-Postroom-Filter: blacklist\r\n" + raw.replace(b"X-Postroom", b"X-Original", 1)


async def test_own_mail_is_not_filtered(ann: User) -> None:
    await use(ann, 1, 2, 3, 4, 5, 6)
    await put(ann, "blacklist", "@example.test")
    response = await ann.client.post("/api/v1/mails/send", json={"to": "x@example.org", "subject": "x"})
    owner = ann.account.account_id
    assert response.status_code == 200
    assert len((await ann.get("/api/v1/mails", folderId=f"{owner}_4"))["items"]) == 1
    assert await place(ann) == ("", "")


async def test_a_filter_that_fails_keeps_nothing_out(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr("postroom.content.digest.read_traits", fail)
        assert await judge(ann, b"X-Postroom-Filter: forged\r\n" + make_message(X_Spam_Flag="YES")) == INBOX
    with monkeypatch.context() as patch:
        patch.setattr("postroom.store.sql.filters.FilterRepo.find_standing", fail)
        assert await judge(ann, make_message(X_Spam_Flag="YES")) == INBOX
