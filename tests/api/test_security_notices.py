"""Notices by mail of what happened to the security of an account."""

import dataclasses
import email
import email.policy
from email.message import EmailMessage

import pytest

from postroom.compose import quota_notice
from postroom.compose.addresses import Address
from postroom.compose.security_notice import (
    LANGUAGES,
    Happened,
    SecurityNotice,
    compose_security_notice,
)
from postroom.config import classes as account_classes
from postroom.config.classes import AccountClass
from postroom.domain.check import check_store
from postroom.domain.examination import examine
from postroom.domain.security_notices import MOST_AN_HOUR
from postroom.model.security import SecurityEventKind
from tests.api.test_changes import listed
from tests.api.test_security_events import ABROAD, HOME, log_in
from tests.api.world import PASSWORD, User, World

_DEFAULT = AccountClass()
_POLICY = dataclasses.replace(_DEFAULT.restrictions.security_policy, notices=("passwordChanged",))
CLASSES = {
    "default": _DEFAULT,
    "few": AccountClass(restrictions=dataclasses.replace(_DEFAULT.restrictions, security_policy=_POLICY)),
}


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    return CLASSES


async def notices(user: User) -> list[EmailMessage]:
    """Return the notices in the Inbox, newest first."""
    await user.world.domain.doomed.wait()
    found = []
    for mail in await listed(user, user.inbox):
        source = (await user.client.get(f"/api/v1/mails/{mail['id']}/source")).content
        found.append(email.message_from_bytes(source, policy=email.policy.default))
    return found


def lines(notice: EmailMessage) -> list[str]:
    """Return what a notice says has happened, without the time."""
    text = notice.get_content().replace("\r\n", "\n")
    return [line.partition("UTC: ")[2] or line for line in text.split("\n\n")[1].split("\n")]


async def test_a_notice(world: World, ann: User) -> None:
    await log_in(world, HOME)
    assert await notices(ann) == []  # of the first address none is sent
    await log_in(world, ABROAD)
    [notice] = await notices(ann)
    assert notice["Return-Path"] == "<>"
    assert notice["From"] == "Postmaster <postmaster@example.test>"
    assert notice["To"] == "Ann Example <ann@example.test>"
    assert notice["Auto-Submitted"] == "auto-generated"
    assert notice["Content-Language"] == "en"
    assert notice["Subject"] == "The security of your account"
    assert notice.get_content().replace("\r\n", "\n") == (
        "This happened to the account ann@example.test:\n\n"
        f"2025-04-11 21:37 UTC: Login from a new address ({ABROAD})\n\n"
        "If it was not you, change your password at once and tell your administrator.\n"
    )
    assert (await listed(ann, ann.inbox))[0]["isUnread"] is True
    async with world.store.read(ann.account.account_id) as mailbox:
        assert (await examine(mailbox, "ann"))[1] == []


async def test_nothing_is_told_twice(world: World, ann: User) -> None:
    for address in (HOME, ABROAD):
        await log_in(world, address)
        await world.domain.doomed.wait()
    await world.domain.doomed.resume()
    ann.world.domain.doomed.begin(ann.account.account_id)
    assert len(await notices(ann)) == 1


async def test_they_are_limited_and_merged(world: World, ann: User) -> None:
    for number in range(MOST_AN_HOUR + 30):
        await log_in(world, f"192.0.2.{number}")
        await world.domain.doomed.wait()
    assert len(await notices(ann)) == MOST_AN_HOUR
    world.clock.now += 3600
    await world.domain.doomed.resume()
    await world.domain.doomed.wait()
    found = await notices(ann)
    assert len(found) == MOST_AN_HOUR + 1
    assert len(lines(found[0])) == 21
    assert lines(found[0])[0] == f"Login from a new address (192.0.2.{MOST_AN_HOUR + 29})"
    assert lines(found[0])[-1] == "+ 9"


async def test_nothing_is_told_of_what_the_operator_does(world: World, ann: User) -> None:
    await world.directory.set_enabled("ann@example.test", enabled=False)
    await world.directory.set_enabled("ann@example.test", enabled=True)
    await world.domain.doomed.resume()
    await world.domain.doomed.wait()
    assert await notices(ann) == []


async def test_kinds_that_a_class_leaves_out(world: World) -> None:
    cara = await world.add_account("cara@example.test", class_name="few")
    for address in (HOME, ABROAD):
        await log_in(world, address, name="cara")
    assert await notices(cara) == []
    body = {"oldPassword": PASSWORD, "newPassword": PASSWORD + "!"}
    sessid = (await cara.client.post("/api/v1/login")).json()["sessid"]
    headers = {"X-Axigen-Session": sessid}
    changed = await cara.client.post("/api/v1/account/password/reset", json=body, headers=headers)
    assert changed.status_code == 200
    await world.domain.doomed.wait()
    async with world.store.read(cara.account.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    assert state.total_items == 1


async def test_a_removed_account_is_told_nothing(world: World, ann: User) -> None:
    await log_in(world, HOME)
    await log_in(world, ABROAD)
    await world.directory.remove_account("ann@example.test")
    await world.domain.doomed.wait()
    await world.domain.doomed.resume()
    await world.domain.doomed.wait()
    async with world.store.directory() as tables:
        assert await tables.security_events.find_notice(ann.account.account_id) is None
    assert (await check_store(world.store)).findings == []


@pytest.mark.parametrize("language", sorted(LANGUAGES - {"en"}))
async def test_languages(language: str) -> None:
    happened = [Happened(1_750_000_000, kind, HOME) for kind in account_classes.SECURITY_NOTICES]
    to = Address("", "ann", "example.test")
    raw = compose_security_notice(
        SecurityNotice(to, language, happened, 0, "<1@example.test>", 1_750_000_000)
    )
    notice = email.message_from_bytes(raw, policy=email.policy.default)
    assert notice["Content-Language"] == language
    assert "ann@example.test" in notice.get_content()
    assert len(set(lines(notice))) == len(happened)


def test_every_language_and_kind_is_there() -> None:
    assert LANGUAGES == quota_notice.LANGUAGES
    assert set(account_classes.SECURITY_NOTICES) <= {str(kind) for kind in SecurityEventKind}
