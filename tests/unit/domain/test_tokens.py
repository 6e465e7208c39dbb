"""Sync tokens: equal when nothing changed, of one meaning, and not to be forged."""

import base64

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.factories import Owner
from tests.fixtures.stores import data_dir_of

from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.tokens import Chain, SyncToken, Tokens
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, Folder
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store import Store

TOKENS = Tokens(bytes(32))

sync_tokens = st.builds(
    SyncToken,
    kind=st.sampled_from(("mails", "folders")),
    scope=st.lists(st.integers(0, 1 << 62) | st.text(max_size=8), max_size=3).map(tuple),
    validity=st.integers(0, 1 << 62),
    modseq=st.integers(0, 1 << 62),
    chain=st.none() | st.builds(Chain, *[st.integers(0, 1 << 62)] * 3),
)


def refused(text: str, *, kind: str = "mails", tokens: Tokens = TOKENS) -> bool:
    try:
        tokens.parse(text, kind=kind)
    except PostroomError as error:
        assert (error.kind, error.details) == (Kind.INVALID, {"parameter": "syncToken"})  # noqa: PT017
        return True
    return False


@given(sync_tokens)
def test_what_is_rendered_is_parsed(token: SyncToken) -> None:
    text = TOKENS.render(token)
    assert text.isascii()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert TOKENS.parse(text, kind=token.kind) == token
    assert TOKENS.render(token) == text


@given(sync_tokens, st.data())
def test_a_changed_token_is_refused(token: SyncToken, data: st.DataObject) -> None:
    text = TOKENS.render(token)
    packed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    assert refused(base64.urlsafe_b64encode(packed).rstrip(b"=").decode(), kind=token.kind)


@given(
    st.text(max_size=60) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode())
)
def test_any_text_is_refused(text: str) -> None:
    assert refused(text)


@given(sync_tokens)
def test_a_token_has_one_spelling(token: SyncToken) -> None:
    text = TOKENS.render(token)
    for other in (
        text + "=",
        text + "==",
        text.replace("-", "+"),
        text.replace("_", "/"),
        text + "\n",
        " " + text,
    ):
        assert other == text or refused(other, kind=token.kind)
    # The last character has bits that say nothing, unless the bytes fill it.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet.replace(text[-1], ""):
        assert refused(text[:-1] + last, kind=token.kind)


def test_tokens_of_others_are_refused() -> None:
    token = TOKENS.folders_token(AccountId(3), Modseq(5), "own")
    assert not refused(token, kind="folders")
    assert refused(token, kind="mails")
    assert refused(token, kind="folders", tokens=Tokens(b"\x01" * 32))


def test_tokens_say_what_they_are_of() -> None:
    folder = Folder(
        account_id=AccountId(3),
        folder_id=INBOX,
        parent_id=FolderId(1),
        name="Inbox",
        role="inbox",
        folder_type="mails",
        is_special=1,
        takes_subfolders=1,
        uid_validity=9,
        total_items=0,
        unread_items=0,
        size_bytes=0,
        created_modseq=Modseq(1),
        modseq=Modseq(1),
        content_modseq=Modseq(4),
        is_threaded=1,
        conversations=0,
        conversations_modseq=Modseq(1),
    )
    same = folder._replace(name="Eingang", modseq=Modseq(3))
    others = [
        folder._replace(content_modseq=Modseq(5)),
        folder._replace(uid_validity=10),
        folder._replace(folder_id=FolderId(3)),
        folder._replace(account_id=AccountId(4)),
    ]
    token = TOKENS.folder_token(folder)
    assert TOKENS.folder_token(same) == token
    assert token not in [TOKENS.folder_token(other) for other in others]
    folders = [
        TOKENS.folders_token(AccountId(account), Modseq(modseq), mode)
        for account in (3, 4)
        for modseq in (5, 6)
        for mode in ("own", "all")
    ]
    assert len(set(folders)) == 8


async def test_all_processes_of_a_store_have_one_key(store: Store, owner: Owner) -> None:
    first, second = [await Tokens.open(await ServerSecrets.load(store, data_dir_of(store))) for _ in range(2)]
    text = first.folders_token(owner.account_id, Modseq(5), "own")
    assert second.parse(text, kind="folders").modseq == 5
