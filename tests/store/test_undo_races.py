# ruff: noqa: S311
"""Undo and the first attempt at the same time: one of them wins, and the mail is where the winner has put it.

The clock of whoever undoes is behind that of the queue, as it may be on another node, so that to the one the window
is open, and to the other the message is due. The seed is the test's parameter, so that a failure is repeated.
"""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable
from typing import NamedTuple, TypeVar

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.queue_world import QueueWorld

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.relay import RelayConfig
from postroom.config.root import Config
from postroom.domain import Domain
from postroom.domain.examination import examine
from postroom.domain.letters import Letter
from postroom.domain.messages import read_summary
from postroom.domain.sending import Sent
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.folder import DRAFTS, SENT
from postroom.model.folder import SCHEDULED as SCHEDULED_FOLDER
from postroom.model.ids import FolderId, MailRef
from postroom.model.listing import MailListRequest
from postroom.model.mail import Mail
from postroom.store import Store

T = TypeVar("T")
ROUNDS = 12


class Node(NamedTuple):
    """Who undoes, and the queue."""

    owner: Owner
    caller: Caller
    domain: Domain
    queue: QueueWorld
    chance: random.Random


async def later(chance: random.Random, work: Awaitable[T]) -> T:
    """Do something some moments from now."""
    for _ in range(chance.randrange(chance.choice((10, 100, 1000)))):
        await asyncio.sleep(0)
    return await work


async def list_subjects(node: Node, folder_id: FolderId) -> list[str]:
    page = await node.domain.mails.list(
        node.caller, node.owner.folder(folder_id), MailListRequest(limit=1000)
    )
    return [read_summary(mail).subject for mail in page.mails]


@pytest.fixture(params=range(4), ids="seed{}".format)
async def node(
    request: pytest.FixtureRequest,
    add_owner: AddOwner,
    store: Store,
    config: Config,
    hasher: PasswordHasher,
) -> Node:
    owner = await add_owner("anna")
    clock = TestClock()
    config = dataclasses.replace(config, relay=RelayConfig(host="relay.test"))
    domain = await make_domain(store, config, hasher, clock=clock)
    queue = QueueWorld(store, clock=TestClock(clock.now() + 11))
    caller = await owner.caller()
    return Node(owner, caller, domain, queue, random.Random(request.param))


async def settle(node: Node, undoing: Awaitable[Mail]) -> bool:
    """Let undo and the queue run into each other; return whether undo has won."""

    async def undo() -> bool:
        try:
            mail = await later(node.chance, undoing)
        except PostroomError as error:
            if error.kind not in {Kind.CONFLICT, Kind.NOT_FOUND}:
                raise
            return False
        assert (mail.folder_id, mail.is_draft) == (DRAFTS, 1)
        return True

    has_won, _ = await asyncio.gather(undo(), later(node.chance, node.queue.work()))
    await node.queue.work()
    return has_won


async def test_undo_and_the_first_attempt(node: Node) -> None:
    answered = await node.owner.add_mail(make_message())
    for number in range(ROUNDS):
        letter = Letter(to="carl@other.test", subject=f"Letter {number}", refw_type="re", refw=answered)
        sent: Sent = await node.domain.sending.send(node.caller, letter)
        assert sent.copy is not None
        ref = MailRef(node.owner.account_id, SENT, sent.copy.uid)
        named = node.chance.choice([ref, None])
        before = len(node.queue.transport.sent)
        has_won = await settle(node, node.domain.unsending.undo(node.caller, sent.processing_id, named))
        assert len(node.queue.transport.sent) - before == 1 - has_won
        assert (letter.subject in await list_subjects(node, DRAFTS)) == has_won
        assert (letter.subject in await list_subjects(node, SENT)) == (not has_won)
    await check(node)


async def test_cancelling_and_the_first_attempt(node: Node) -> None:
    now = int(node.domain.sending._clock.now())
    for number in range(ROUNDS):
        letter = Letter(to="carl@other.test", subject=f"Letter {number}")
        mail = await node.domain.sending.schedule(node.caller, letter, at=now + 5)
        ref = MailRef(node.owner.account_id, SCHEDULED_FOLDER, mail.uid)
        before = len(node.queue.transport.sent)
        has_won = await settle(node, node.domain.unsending.cancel(node.caller, ref))
        assert len(node.queue.transport.sent) - before == 1 - has_won
        assert (letter.subject in await list_subjects(node, DRAFTS)) == has_won
        assert (letter.subject in await list_subjects(node, SENT)) == (not has_won)
        assert await list_subjects(node, SCHEDULED_FOLDER) == []
    await check(node)


async def check(node: Node) -> None:
    async with node.owner.store.read(node.owner.account_id) as mailbox:
        assert (await examine(mailbox, "anna"))[1] == []
