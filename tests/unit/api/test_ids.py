"""Wire ids."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.api import ids
from postroom.errors import PostroomError
from postroom.model.conversation import ConversationId
from postroom.model.ids import AccountId, FolderId, FolderRef, MailRef, Uid

NUMBERS = st.integers(0, ids.MAX_NUMBER)


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_published_forms() -> None:
    assert ids.render_mail(AccountId(80), FolderId(114), Uid(1354)) == "ODBfMTE0XzEzNTQ"
    assert ids.render_folder(AccountId(80), FolderId(114)) == "80_114"
    assert ids.parse_mail("ODBfMTE0XzEzNTQ", "mailId") == MailRef(AccountId(80), FolderId(114), Uid(1354))
    assert ids.parse_folder("80_114", "folderId") == FolderRef(AccountId(80), FolderId(114))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_mail_round_trip(owner: int, folder: int, uid: int) -> None:
    ref = MailRef(AccountId(owner), FolderId(folder), Uid(uid))
    text = ids.render_mail(*ref)
    assert text == encode(f"{owner}_{folder}_{uid}")
    assert text.isalnum()
    assert ids.parse_mail(text, "mailId") == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "80_114_1354",
        "ODBfMTE0XzEzNTQ=",
        " ODBfMTE0XzEzNTQ",
        "ODBfMTE0XzEzNTQ\n",
        "ODBf MTE0XzEzNTQ",
        "ODBfMTE0XzEzNTR",  # other bits behind the last character
        "ODBfMTE0XzEzNTQé",
        encode("80_114"),
        encode("80_114_1354_1"),
        encode("080_114_1354"),
        encode("80_114_-1"),
        encode("80_114_+1"),
        encode("80_114_1 "),
        encode("80_114_١"),
        encode(f"80_114_{2**63}"),
        encode(f"80_114_{10**40}"),
        "A" * 10_000,
    ],
)
def test_malformed_mail(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        ids.parse_mail(text, "mailId")
    assert caught.value.code == "badParameter"
    assert caught.value.details == {"parameter": "mailId"}


@pytest.mark.parametrize(
    "text",
    ["", "80", "80_", "_114", "80_114_1", "080_114", "80_-1", "80-114", "80_١", "80_114\n", f"80_{2**63}"],
)
def test_malformed_folder(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        ids.parse_folder(text, "folderId")
    assert caught.value.details == {"parameter": "folderId"}


@pytest.mark.parametrize("text", ["", "-1", "00", "01", "1.0", "x", " 1", "٣", str(2**63), "9" * 19])
def test_malformed_index(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        ids.parse_index(text, "partId")
    assert caught.value.details == {"parameter": "partId"}


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (ids.parse_mail, ids.parse_folder, ids.parse_index):
        with suppress(PostroomError):
            parse(text, "id")


def test_conversations() -> None:
    text = ids.render_conversation(AccountId(80), ConversationId(1354))
    assert text == "ODBfY18xMzU0"
    assert ids.parse_conversation(text, "id") == (80, 1354)


@pytest.mark.parametrize(
    "text", ["", "x", "ODBfY18xMzU0=", "ODBfMl8xMzU0", "ODBfY18wMQ", "é", "ODBf Y18xMzU0", "OTk5_" * 9]
)
def test_malformed_conversations(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        ids.parse_conversation(text, "conversationId")
    assert caught.value.details == {"parameter": "conversationId"}
