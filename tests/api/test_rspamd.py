"""rspamd in deliveries and in marking: a peer on loopback takes its place."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from postroom.config.filters import FiltersConfig
from postroom.domain import learning
from tests.api.test_filtering import INBOX, deliver, judge, place, put, use
from tests.api.world import User, World, make_message
from tests.protocol.hook_receiver import CLOSE, HANG, Receiver, Taken, receiving
from tests.protocol.test_rspamd_faults import answer

HAM = answer({"action": "no action", "score": -1, "required_score": 15})
SPAM = answer({"action": "add header", "score": 7.25, "required_score": 15})
SCORED = ("spam", "1 Spam score (rspamd 7.25)")


@pytest.fixture
async def peer() -> AsyncIterator[Receiver]:
    async with receiving(default=HAM) as receiver:
        yield receiver


@pytest.fixture
def timeout_ms() -> int:
    """How long a score is waited for: long, but in tests of what never comes."""
    return 10_000


@pytest.fixture
def filters(peer: Receiver, timeout_ms: int) -> FiltersConfig:
    return FiltersConfig(rspamd_url=f"http://127.0.0.1:{peer.port}", rspamd_timeout_ms=timeout_ms)


async def test_scores(ann: User, peer: Receiver) -> None:
    raw = make_message()
    assert await judge(ann, raw) == INBOX
    peer.script = [SPAM]
    assert await judge(ann, raw) == SCORED
    assert [taken.body for taken in peer.taken] == [raw, raw]


async def test_who_needs_no_score_asks_for_none(ann: User, peer: Receiver) -> None:
    peer.default = SPAM
    await use(ann, 2, 3, 4, 5, 6)
    assert await judge(ann, make_message()) == INBOX
    await use(ann, 1)
    assert await judge(ann, make_message(X_Spam_Flag="YES")) == ("spam", "1 Spam score (X-Spam-Flag)")
    await put(ann, "blacklist", "@example.org")
    assert await judge(ann, make_message()) == ("spam", "blacklist")
    await put(ann, "whitelist", "@example.org")
    assert await judge(ann, make_message()) == INBOX
    assert peer.taken == []


async def test_it_is_asked_once_for_all_recipients(
    world: World, ann: User, ben: User, peer: Receiver
) -> None:
    peer.default = SPAM
    carl = await world.add_account("carl@example.test")
    await use(carl)
    await deliver(world, [ann, ben, carl], make_message())
    assert [await place(user) for user in (ann, ben, carl)] == [SCORED, SCORED, INBOX]
    assert len(peer.taken) == 1


@pytest.mark.parametrize("timeout_ms", [200])
async def test_faults_deliver(ann: User, peer: Receiver) -> None:
    """Other filters go on; and what is dead is soon not waited for."""
    raw = make_message(attachments=(("application/octet-stream", "a.exe", b"MZ"),))
    peer.script = [HANG, CLOSE]
    assert await judge(ann, make_message()) == INBOX
    assert await judge(ann, raw) == ("spam", "4 Dangerous attachments")


@pytest.mark.parametrize("timeout_ms", [200])
async def test_many_deliveries_wait_together(world: World, ann: User, peer: Receiver) -> None:
    peer.default = HANG
    messages = [make_message(subject=f"{number}") for number in range(40)]
    async with asyncio.timeout(10):
        await asyncio.gather(*[deliver(world, [ann], raw) for raw in messages])
    folder = await ann.get(f"/api/v1/folders/{ann.inbox}")
    assert folder["totalItems"] == 40


# Learning


async def lessons(peer: Receiver, count: int) -> list[tuple[str, bytes]]:
    """Return what was taught, once there is so much of it."""
    found: list[Taken] = []
    for _ in range(1500):
        found = [one for one in peer.taken if "/learn" in one.line]
        if len(found) >= count:
            break
        await asyncio.sleep(0.02)
    return [(one.line.split()[1], one.body) for one in found]


async def test_marking_teaches(ann: User, peer: Receiver) -> None:
    raw = make_message()
    mail = await ann.deliver(raw)
    response = await ann.client.post(f"/api/v1/mails/{mail}/spam")
    assert await lessons(peer, 1) == [("/learnspam", raw)]
    response = await ann.client.post(f"/api/v1/mails/{response.json()['id']}/notspam")
    assert (await lessons(peer, 2))[1] == ("/learnham", raw)
    # What is only moved teaches nothing, nor what was spam already.
    mail = response.json()["id"]
    owner = ann.account.account_id
    response = await ann.client.post(f"/api/v1/mails/{mail}/move", json={"destinationFolderId": f"{owner}_6"})
    await ann.client.post(f"/api/v1/mails/{response.json()['id']}/spam")
    await asyncio.sleep(0.2)
    assert len(await lessons(peer, 2)) == 2


async def test_conversations_teach(ann: User, peer: Receiver) -> None:
    raws = [
        make_message(subject="Re: Subject", In_Reply_To="<0@example.org>", text=f"{number}\n")
        for number in range(3)
    ]
    mails = [await ann.deliver(raw) for raw in raws]
    conversation = (await ann.get(f"/api/v1/mails/{mails[0]}/conversation"))["id"]
    assert (await ann.client.post(f"/api/v1/conversations/{conversation}/spam")).status_code == 200
    found = await lessons(peer, 3)
    assert sorted(found) == sorted(("/learnspam", raw) for raw in raws)


async def test_many_marked_at_once_teach(ann: User, peer: Receiver) -> None:
    mails = [await ann.deliver(make_message(text=f"{number}\n")) for number in range(10)]
    await asyncio.gather(*[ann.client.post(f"/api/v1/mails/{mail}/spam") for mail in mails])
    assert {body for _, body in await lessons(peer, 10)} == {
        make_message(text=f"{number}\n") for number in range(10)
    }


async def test_the_record_of_the_filters_is_not_taught(world: World, ann: User, peer: Receiver) -> None:
    raw = make_message()
    await put(ann, "blacklist", "bea@example.org")
    await deliver(world, [ann], raw)
    [mail] = (await ann.get("/api/v1/mails", folderId=f"{ann.account.account_id}_6"))["items"]
    await ann.client.post(f"/api/v1/mails/{mail['id']}/notspam")
    assert await lessons(peer, 1) == [("/learnham", raw)]


async def test_teaching_is_tried_again(ann: User, peer: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "FIRST_WAIT_SECONDS", 0.05)
    mail = await ann.deliver(make_message())
    peer.script = [CLOSE, answer({}, 503)]
    response = await ann.client.post(f"/api/v1/mails/{mail}/spam")
    assert response.status_code == 200
    assert [path for path, _ in await lessons(peer, 3)] == ["/learnspam"] * 3


async def test_the_last_mark_counts(
    world: World, ann: User, peer: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = await ann.deliver(make_message())
    be_impatient(monkeypatch)
    peer.default = CLOSE
    response = await ann.client.post(f"/api/v1/mails/{mail}/spam")
    await lessons(peer, 1)
    await ann.client.post(f"/api/v1/mails/{response.json()['id']}/notspam")
    await until_tried(peer, "/learnham", make_message())
    peer.default = HAM
    await until_taught(world, 1)
    paths = [path for path, _ in await lessons(peer, 2)]
    assert set(paths) == {"/learnspam", "/learnham"}
    assert paths == sorted(paths, reverse=True)


async def test_the_queue_is_bounded(
    world: World, ann: User, peer: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MOST_WAITING", 3)
    mails = [await ann.deliver(make_message(text=f"{number}\n")) for number in range(6)]
    be_impatient(monkeypatch)
    peer.default = CLOSE
    for mail in mails:
        assert (await ann.client.post(f"/api/v1/mails/{mail}/spam")).status_code == 200
    # Not one that was given up while it was being taught: that would be taught all the same.
    await until_tried(peer, "/learnspam", make_message(text="3\n"))
    peer.default = HAM
    await until_taught(world, 3)
    assert world.domain.learning.given_up == 3


async def test_a_mail_that_is_gone_is_not_taught(
    world: World, ann: User, peer: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await ann.deliver(make_message(text="1\n")), await ann.deliver(make_message(text="2\n"))
    be_impatient(monkeypatch)
    peer.default = CLOSE
    response = await ann.client.post(f"/api/v1/mails/{first}/spam")
    await lessons(peer, 1)
    await ann.client.delete(f"/api/v1/mails/{response.json()['id']}?permanent=true")
    await ann.client.post(f"/api/v1/mails/{second}/spam")
    await until_tried(peer, "/learnspam", make_message(text="2\n"))
    peer.default = HAM
    await until_taught(world, 1)
    bodies = [body for _, body in await lessons(peer, 2)]
    assert set(bodies) == {make_message(text="1\n"), make_message(text="2\n")}
    assert bodies == sorted(bodies)


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what could not be taught tried again at once, until it can."""
    monkeypatch.setattr(learning, "FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(learning, "LONGEST_WAIT_SECONDS", 0.05)


async def until_tried(peer: Receiver, path: str, raw: bytes) -> None:
    """Wait until the latest that was tried to be taught is this."""
    async with asyncio.timeout(60):
        while (await lessons(peer, 1))[-1] != (path, raw):  # noqa: ASYNC110 (the receiver has no event)
            await asyncio.sleep(0.02)


async def until_taught(world: World, count: int) -> None:
    """Wait until so many mails have been taught, and nothing waits."""
    learns = world.domain.learning
    async with asyncio.timeout(60):
        while learns.taught < count or learns._waiting:  # noqa: ASYNC110 (it is another one that works)
            await asyncio.sleep(0.02)
    assert learns.taught == count


async def test_what_is_undone_with_its_transaction_teaches_nothing(ann: User, peer: Receiver) -> None:
    mail = await ann.deliver(make_message())
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        response = await ann.client.post(f"/api/v1/mails/{mail}/spam", headers=headers)
        assert response.status_code == 200
    assert (await ann.client.post(f"/api/v1/mails/{mail}/spam")).status_code == 404
    assert len(await lessons(peer, 1)) == 1
