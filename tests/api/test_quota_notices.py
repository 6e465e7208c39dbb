"""Notices that a mailbox is almost full."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from postroom.compose.quota_notice import LANGUAGES
from postroom.config.classes import AccountClass
from postroom.config.retention import RetentionConfig
from postroom.domain.examination import examine
from postroom.domain.visits import Visits
from postroom.errors import PostroomError
from postroom.model.envelope import Envelope
from tests.api.test_changes import call, listed
from tests.api.world import DomainClock, User, World, make_message

DAY = 86_400
CLASSES = {
    "default": AccountClass(),
    "size": AccountClass(quota_kb=100, over_quota_threshold=80),
    "count": AccountClass(messages=10, over_quota_threshold=50),
    "full": AccountClass(messages=3, over_quota_threshold=100),
}


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    return CLASSES


@pytest.fixture
async def cara(world: World) -> User:
    """An account of 100 KB that is told from 80 KB on."""
    return await world.add_account("cara@example.test", class_name="size")


@pytest.fixture
async def dora(world: World) -> User:
    """An account of ten mails that is told from five on."""
    return await world.add_account("dora@example.test", class_name="count")


async def deliver(user: User, kilobytes: int = 1, *, number: int = 0) -> None:
    """Deliver a mail of about a size, and have done what follows behind it."""
    text = f"{number:<75}\n" + ("x" * 75 + "\n") * (kilobytes * 1024 // 76)
    await user.deliver(make_message(text=text, subject="Letter"))
    await user.world.domain.doomed.wait()


async def notices(user: User) -> list[EmailMessage]:
    """Return the notices in the Inbox, newest first."""
    found = []
    for mail in await listed(user, user.inbox):
        if "postmaster@" in mail["from"]:
            source = (await user.client.get(f"/api/v1/mails/{mail['id']}/source")).content
            found.append(email.message_from_bytes(source, policy=email.policy.default))
    return found


async def clear(user: User) -> None:
    for mail in await listed(user, user.inbox):
        await call(user, "DELETE", f"mails/{mail['id']}", permanent="true")


async def visit(user: User) -> None:
    world = user.world
    clock = DomainClock(world.clock)
    visits = Visits(world.store, CLASSES, RetentionConfig(), doomed=world.domain.doomed, clock=clock)
    await visits.visit(user.account.account_id)


async def test_a_notice(cara: User) -> None:
    await deliver(cara, 60, number=1)
    assert await notices(cara) == []
    await deliver(cara, 25, number=2)
    [notice] = await notices(cara)
    assert notice["Return-Path"] == "<>"
    assert notice["From"] == "Postmaster <postmaster@example.test>"
    assert notice["To"] == "Ann Example <cara@example.test>"
    assert notice["Auto-Submitted"] == "auto-generated"
    assert notice["Content-Language"] == "en"
    assert notice["Subject"] == "Your mailbox is almost full"
    assert notice["Message-ID"].endswith("@example.test>")
    text = notice.get_content().replace("\r\n", "\n")
    assert "The mailbox cara@example.test is 8" in text
    assert " / 100.0 KB\n" in text
    newest = (await listed(cara, cara.inbox))[0]
    assert newest["isUnread"] is True
    async with cara.world.store.read(cara.account.account_id) as mailbox:
        assert (await examine(mailbox, "cara"))[1] == []


async def test_it_comes_once(dora: User) -> None:
    for number in range(4):
        await deliver(dora, number=number)
    assert await notices(dora) == []
    for number in range(4, 8):
        await deliver(dora, number=number)
    assert len(await notices(dora)) == 1
    dora.world.clock.now += 5 * DAY
    await visit(dora)
    await deliver(dora, number=9)
    # It never fell below.
    [notice] = await notices(dora)
    assert "50%" in notice.get_content()
    assert "5 / 10 ✉" in notice.get_content()


async def test_it_comes_for_each_crossing_but_once_a_day(dora: User) -> None:
    for number in range(5):
        await deliver(dora, number=number)
    assert len(await notices(dora)) == 1
    await clear(dora)
    for number in range(10, 15):
        await deliver(dora, number=number)
    assert await notices(dora) == []
    await clear(dora)
    dora.world.clock.now += DAY + 1
    for number in range(20, 25):
        await deliver(dora, number=number)
    assert len(await notices(dora)) == 1


async def test_a_visit_notes_that_there_is_room_again(dora: User) -> None:
    for number in range(5):
        await deliver(dora, number=number)
    await clear(dora)
    await visit(dora)
    for number in range(10, 15):
        await deliver(dora, number=number)
    assert len(await notices(dora)) == 1


async def test_a_full_mailbox_gets_it_all_the_same(world: World) -> None:
    user = await world.add_account("emma@example.test", class_name="full")
    for number in range(3):
        await deliver(user, number=number)
    assert len(await notices(user)) == 1
    assert len(await listed(user, user.inbox)) == 4
    with pytest.raises(PostroomError, match="messageQuotaExceeded"):
        await deliver(user)
    assert len(await listed(user, user.inbox)) == 4


async def test_one_letter_to_several(world: World, cara: User, dora: User, ann: User) -> None:
    """Each is told of its own mailbox; who has no quota never."""
    for number in range(5):
        recipients = tuple(
            [
                await world.domain.ingest.resolve_recipient(user.account.address, size_bytes=None)
                for user in (cara, dora, ann)
            ]
        )
        envelope = Envelope("bea@example.org", recipients, "[127.0.0.1]", "x", False, False)
        outcomes = await world.domain.ingest.deliver(envelope, make_message(text=f"Letter {number}\n"))
        assert list(outcomes) == [None, None, None]
    await world.domain.doomed.wait()
    assert [len(await notices(user)) for user in (cara, dora, ann)] == [0, 1, 0]


async def test_it_is_filed_after_a_crash(dora: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(dora.world.store, "on_follow_up", lambda _: None)
        for number in range(6):
            await deliver(dora, number=number)
    assert await notices(dora) == []
    await dora.world.domain.doomed.resume()
    await dora.world.domain.doomed.wait()
    assert len(await notices(dora)) == 1
    await dora.world.domain.doomed.resume()
    await dora.world.domain.doomed.wait()
    assert len(await notices(dora)) == 1


async def test_it_is_not_filed_where_there_is_room_again(dora: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(dora.world.store, "on_follow_up", lambda _: None)
        for number in range(6):
            await deliver(dora, number=number)
    await clear(dora)
    await dora.world.domain.doomed.resume()
    await dora.world.domain.doomed.wait()
    assert await notices(dora) == []
    for number in range(10, 15):
        await deliver(dora, number=number)
    assert len(await notices(dora)) == 1


async def test_nothing_answers_it(dora: User) -> None:
    vacation: dict[str, Any] = {
        "enabled": True,
        "age": 1,
        "applyAlways": True,
        "applyToExternal": True,
        "applyToInternal": True,
        "body": "Away",
    }
    await call(dora, "POST", "account/vacation", vacation)
    async with dora.world.store.engine.peek() as connection:
        count = "SELECT count(*) FROM outgoing"
        for number in range(4):
            await deliver(dora, number=number)
        before = await connection.fetch_value(count)
        await deliver(dora, number=5)
        assert len(await notices(dora)) == 1
        assert await connection.fetch_value(count) == before


@pytest.mark.parametrize("language", ["de", "ar", "ja", "zh-tw", "tk"])
async def test_it_is_in_the_account_s_language(dora: User, language: str) -> None:
    await call(dora, "PATCH", "account/settings", {"language": language})
    for number in range(5):
        await deliver(dora, number=number)
    [notice] = await notices(dora)
    assert notice["Content-Language"] == (language if language in LANGUAGES else "en")
    assert "dora@example.test" in notice.get_content()
    assert "50" in notice.get_content()
