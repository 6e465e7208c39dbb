"""The examples that use the client do what they say."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from postroom.client import APIError, AsyncClient, Client
from tests.api.live import Live, serving
from tests.api.world import PASSWORD, User, World, make_message

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    async with serving(world) as live:
        yield live


async def make_token(live: Live, user: User) -> str:
    async with AsyncClient(live.url, (user.account.address, PASSWORD)) as client:
        await client.open_session()
        proof = (await client.check_password(password=PASSWORD)).security_token
        return (await client.create_badge_token(name="Badge", security_token=proof)).token


async def test_a_badge_over_two_accounts(live: Live, ann: User, ben: User) -> None:
    shown: asyncio.Queue[str] = asyncio.Queue()
    tokens = [await make_token(live, user) for user in (ann, ben)]
    showing = asyncio.create_task(load("counter_badge").show(live.url, tokens, shown.put_nowait))
    try:
        async with asyncio.timeout(20):
            assert [await shown.get(), await shown.get()] == ["0 unread", "0 unread"]
            await ann.deliver(make_message(subject="One"))
            assert await shown.get() == "1 unread"
            await ben.deliver(make_message(subject="Two"))
            assert await shown.get() == "2 unread"
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


async def test_a_badge_whose_token_is_void(live: Live) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await load("counter_badge").show(live.url, ["pbt_" + "x" * 43], print)
    assert isinstance(caught.value.exceptions[0], APIError)


async def test_a_mail_is_sent_once(live: Live, ann: User, ben: User, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("All is well.")

    def send() -> int:
        with Client(live.url, (ann.account.address, PASSWORD)) as client:
            number: int = load("send_mail").send(
                client,
                ben.account.address,
                "Report",
                text="Here.",
                files=[tmp_path / "report.txt"],
                key="today",
            )
            return number

    first = await asyncio.to_thread(send)
    assert await asyncio.to_thread(send) == first
    async with AsyncClient(live.url, (ann.account.address, PASSWORD)) as client:
        sent = next(folder.id for folder in (await client.list_folders()).items if folder.role == "sent")
        [mail] = (await client.list_mails(folder_id=sent)).items
        assert (mail.subject, [file.name for file in mail.attachments]) == ("Report", ["report.txt"])
    assert first > 0
