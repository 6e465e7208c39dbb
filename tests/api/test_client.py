"""The client library against the real server: in process, over sockets, and before a server that fails."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from postroom.client import APIError, AsyncClient, Client, NotReachableError
from postroom.client.structs import Mail, NewFolderEvent
from tests.api.live import Live, serving
from tests.api.world import PASSWORD, User, World, make_message


@pytest.fixture
async def client(world: World, ann: User) -> AsyncIterator[AsyncClient]:
    transport = httpx.ASGITransport(world.app, client=("127.0.0.1", 40000))
    async with AsyncClient(
        "http://mail.test", (ann.account.address, PASSWORD), transport=transport
    ) as client:
        yield client


@pytest.fixture
async def live(world: World) -> AsyncIterator[Live]:
    async with serving(world) as live:
        yield live


async def inbox_of(client: AsyncClient) -> str:
    return next(folder.id for folder in (await client.list_folders()).items if folder.role == "inbox")


async def test_reading_and_writing(client: AsyncClient, ann: User) -> None:
    mail_id = await ann.deliver(make_message(subject="Tea at four"))
    inbox = await inbox_of(client)
    [mail] = (await client.list_mails(folder_id=inbox)).items
    assert isinstance(mail, Mail)
    assert (mail.id, mail.subject, mail.is_unread, mail.from_ != "") == (mail_id, "Tea at four", True, True)
    assert (await client.get_counters()).unread_count == 1
    assert (await client.set_mail_flags(mail_id, is_unread=False)).is_unread is False
    assert (await client.get_counters(folders="all")).unread_count == 0
    made = await client.create_folder(name="Tea")
    assert (await client.move_mail(mail_id, destination_folder_id=made.id)).folder_id == made.id
    await client.delete_folder(made.id)
    assert (await client.get_mails_sync_token(folder_id=inbox)).sync_token


async def test_sending_and_undoing(client: AsyncClient) -> None:
    sent = await client.send_mail(to="ben@example.test", subject="Hello", body_text="Come by.")
    undone = await client.undo_send(processing_id=sent.processing_id)
    assert (await client.get_mail(undone.mail_id)).is_draft


async def test_a_session(client: AsyncClient) -> None:
    with pytest.raises(APIError) as caught:
        await client.upload_temporary_attachments(files=[("a.txt", b"text", "text/plain")])
    assert caught.value.error_code == "sessionRequired"
    await client.open_session()
    [file] = (await client.upload_temporary_attachments(files=[("a.txt", b"text", "text/plain")])).items
    assert (file.name, file.size) == ("a.txt", 4)
    download = await client.get_temporary_attachment(str(file.id))
    assert await download.read() == b"text"
    made = await client.create_folder(name="By mistake")
    assert await client.undo() is None
    assert made.id not in {folder.id for folder in (await client.list_folders()).items}
    await client.logout()
    with pytest.raises(APIError) as caught:
        await client.get_account_info()
    assert caught.value.status == 401


async def test_a_cookie_session(world: World, ann: User) -> None:
    transport = httpx.ASGITransport(world.app, client=("127.0.0.1", 40000))
    async with AsyncClient("https://mail.test", transport=transport) as client:
        await client.open_cookie_session(ann.account.address, PASSWORD)
        assert (await client.get_account_info()).account_name == ann.account.address.partition("@")[0]


async def test_a_token(world: World, client: AsyncClient) -> None:
    await client.open_session()
    security_token = (await client.check_password(password=PASSWORD)).security_token
    made = await client.create_badge_token(name="Badge", security_token=security_token)
    transport = httpx.ASGITransport(world.app, client=("127.0.0.1", 40000))
    async with AsyncClient("http://mail.test", made.token, transport=transport) as badge:
        assert (await badge.get_counters()).unread_count == 0
        with pytest.raises(APIError) as caught:
            await badge.list_folders()
        assert (caught.value.status, caught.value.error_code) == (403, "notPermitted")
        assert caught.value.request_id


async def test_errors_say_what_is_wrong(client: AsyncClient) -> None:
    with pytest.raises(APIError) as caught:
        await client.list_mails(folder_id="80_2", limit=100_000)
    error = caught.value
    assert (error.status, error.error_code, error.details) == (400, "badParameter", {"parameter": "limit"})


async def test_pages_and_deltas(client: AsyncClient, ann: User) -> None:
    mails = {await ann.deliver(make_message(subject=f"Letter {number}")) for number in range(7)}
    inbox = await inbox_of(client)
    pages = [page async for page in client.iter_mails_pages(folder_id=inbox, limit=3)]
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert {mail.id for page in pages for mail in page.items} == mails
    deltas = [delta async for delta in client.iter_mail_delta(folder_id=inbox, limit=2)]
    assert len(deltas) == 4
    assert {mail.id for delta in deltas for mail in delta.new_items} == mails
    events = (await client.get_folder_delta()).events
    assert any(isinstance(event, NewFolderEvent) and event.id == inbox for event in events)


async def test_a_download_in_pieces(client: AsyncClient, ann: User) -> None:
    mail_id = await ann.deliver(make_message(subject="Source"))
    download = await client.download_source(mail_id)
    assert download.media_type.startswith("message/rfc822")
    assert b"Subject: Source" in b"".join([piece async for piece in download.iter_bytes()])
    with pytest.raises(APIError):
        await client.download_source(mail_id[:-3] + "AAA")


async def test_over_sockets(live: Live, ann: User) -> None:
    def work() -> tuple[int, list[str], bytes]:
        with Client(live.url, (ann.account.address, PASSWORD)) as client:
            client.open_session()
            inbox = next(folder.id for folder in client.list_folders().items if folder.role == "inbox")
            subjects = [
                mail.subject
                for page in client.iter_mails_pages(folder_id=inbox, limit=1)
                for mail in page.items
            ]
            source = client.get_source(client.list_mails(folder_id=inbox).items[0].id).read()
            count = client.get_counters().unread_count
            client.logout()
            return count, subjects, source

    for number in range(3):
        await ann.deliver(make_message(subject=f"Letter {number}"))
    count, subjects, source = await asyncio.to_thread(work)
    assert (count, sorted(subjects)) == (3, ["Letter 0", "Letter 1", "Letter 2"])
    assert b"Subject: Letter" in source


async def test_events_over_sockets(live: Live, ann: User) -> None:
    async with AsyncClient(live.url, (ann.account.address, PASSWORD)) as client:
        events = client.iter_events(kinds=["counters"])
        first = await anext(events)
        assert (first.kind, first.data["unreadCount"]) == ("counters", 0)
        await ann.deliver(make_message(subject="News"))
        second = await anext(events)
        assert second.data["unreadCount"] == 1
        await events.aclose()  # type: ignore[attr-defined]
        await ann.deliver(make_message(subject="More"))
        again = client.iter_events(kinds=["counters"], last_event_id=second.id)
        assert (await anext(again)).data["unreadCount"] == 2
        await again.aclose()  # type: ignore[attr-defined]


class Failing(httpx.BaseTransport):
    """Answers as the script says, one step for each request: a status, or None for a lost connection."""

    def __init__(self, *steps: int | None) -> None:
        self.steps: Iterator[int | None] = iter(steps)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = next(self.steps)
        if status is None:
            raise httpx.ReadError("lost", request=request)
        body: dict[str, Any] = (
            {"id": "80_9", "name": "Tea"} if status == 200 else {"errorCode": "unavailable"}
        )
        return httpx.Response(status, headers={"Retry-After": "0"}, content=json.dumps(body).encode())


def test_a_call_is_made_again_with_the_same_key() -> None:
    transport = Failing(503, None, 429, 200)
    with Client("http://mail.test", ("ann", "x"), transport=transport) as client:
        assert client.create_label(name="Tea").name == "Tea"
    keys = {request.headers["Idempotency-Key"] for request in transport.requests}
    assert (len(transport.requests), len(keys)) == (4, 1)


def test_repeating_has_an_end() -> None:
    with (
        Client("http://mail.test", transport=Failing(None, None), attempts=2) as client,
        pytest.raises(NotReachableError),
    ):
        client.list_labels()
    with Client("http://mail.test", transport=Failing(503, 503), attempts=2) as client:
        with pytest.raises(APIError) as caught:
            client.list_labels()
        assert caught.value.status == 503


def test_what_may_not_be_made_twice_is_not() -> None:
    transport = Failing(None)
    with Client("http://mail.test", transport=transport) as client, pytest.raises(NotReachableError):
        client.open_session()
    assert len(transport.requests) == 1


def _client_of(status: int, content: bytes) -> Client:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    return Client("http://mail.test", transport=transport)


def test_an_answer_of_something_in_between() -> None:
    for content in (b"<html>", b'{"details": "no teapot"}'):
        with _client_of(418, content) as client, pytest.raises(APIError) as caught:
            client.list_labels()
        assert (caught.value.status, caught.value.error_code, caught.value.details) == (418, "", {})
    for content in (b"<html>log in to this network", b"[]", b"\xff"):
        with _client_of(200, content) as client:
            for call in (client.list_labels, client.open_session):
                with pytest.raises(NotReachableError, match="none of this API's"):
                    call()


def test_a_stream_that_has_nothing_to_tell() -> None:
    """Streams that end now and then, as behind many proxies, are no failures; those that never begin are."""
    answers = [b":\n\n"] * 6 + [b'id: 7\nevent: mails\ndata: {"folderId": "1_2"}\n\n']

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answers.pop(0)) if answers else httpx.Response(503)

    with Client("http://mail.test", transport=httpx.MockTransport(answer), attempts=1) as client:
        events = client.iter_events()
        assert next(events).id == "7"
        with pytest.raises(NotReachableError, match="again and again"):
            next(events)
