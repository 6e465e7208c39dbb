"""What is remembered of conversations: within its bounds, and only while it holds."""

from typing import Any

import pytest
from tests.fixtures.factories import Owner, make_message

from postroom.domain import conversation_views
from postroom.domain.conversation_views import ConversationView, RememberedViews, Viewer, render_rows
from postroom.model.conversation import ConversationId
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.model.listing import Sort
from postroom.store.sql.conversation_lists import ListedConversation

ME = Viewer(frozenset({"anna@example.test"}), INBOX)
OWNER = AccountId(1)


def row(number: int, modseq: int = 1) -> ListedConversation:
    return ListedConversation(ConversationId(number), Modseq(modseq), 1)


def test_found_while_nothing_changes() -> None:
    views = RememberedViews()
    views.put(OWNER, row(1), ME, rendered=b"one")
    assert views.find(OWNER, row(1), ME) == b"one"
    assert views.find(OWNER, row(1, modseq=2), ME) is None
    assert views.find(OWNER, row(2), ME) is None
    assert views.find(AccountId(2), row(1), ME) is None
    assert views.find(OWNER, row(1), ME._replace(folder_id=FolderId(5))) is None
    assert views.find(OWNER, row(1), ME._replace(folder_id=None)) is None
    assert views.find(OWNER, row(1), Viewer(frozenset({"b@example.test"}), INBOX)) is None
    views.put(OWNER, row(1, modseq=2), ME, rendered=b"two")
    assert views.find(OWNER, row(1, modseq=2), ME) == b"two"
    assert views.find(OWNER, row(1), ME) is None


def test_memory_is_bounded() -> None:
    views = RememberedViews(max_bytes=20_000)
    for number in range(1, 200):
        views.put(OWNER, row(number), ME, rendered=bytes(100 + number))
        assert views.size_bytes <= 20_000
        if number > 1:
            # What is asked for stays.
            assert views.find(OWNER, row(1), ME) is not None
        else:
            views.find(OWNER, row(1), ME)
    assert views.find(OWNER, row(2), ME) is None
    assert views.find(OWNER, row(199), ME) is not None
    for modseq in range(1, 100):
        views.put(OWNER, row(1, modseq), ME, rendered=bytes(modseq))
    assert views.size_bytes <= 20_000


def test_what_is_too_large_is_not_remembered() -> None:
    views = RememberedViews(max_bytes=8000)
    views.put(OWNER, row(1), ME, rendered=b"small")
    views.put(OWNER, row(1, modseq=2), ME, rendered=bytes(1001))
    assert views.find(OWNER, row(1, modseq=2), ME) is None
    assert views.size_bytes == 0


def name(view: ConversationView) -> bytes:
    return b"%d of %d" % (view.last, len(view.mails))


@pytest.mark.parametrize("at_once", [1, 3, 500])
async def test_conversations_are_read_in_groups(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(conversation_views, "_MAILS_AT_ONCE", at_once)
    for number in range(12):
        message = make_message(subject=f"Thread {number % 5}", body=f"{number}", headers=thread(number % 5))
        await owner.add_mail(message, date=1_750_000_000 + number)
    views = RememberedViews()
    async with owner.store.read(owner.account_id) as mailbox:
        rows = await mailbox.conversation_lists.list_page(INBOX, Sort(), anchor=None, skip=0, limit=50)
        assert len(rows) == 5
        rows = [*rows, row(999)]
        for _ in range(2):
            shown = await render_rows(mailbox, rows, ME, render=name, remembered=views)
            assert shown == [b"2 of 3" if one.total_items == 3 else b"1 of 2" for one in rows[:5]]
        assert await render_rows(mailbox, rows, ME, render=fail, remembered=views) == shown
        assert await render_rows(mailbox, rows[:1], ME, render=lambda _: b"anew", remembered=None) == [
            b"anew"
        ]
        assert views.find(owner.account_id, rows[0], ME) == shown[0]


def thread(number: int) -> list[tuple[str, str]]:
    return [("References", f"<root{number}@example.test>")]


def fail(_: Any) -> bytes:
    raise AssertionError("it was to be remembered")
