import asyncio
import base64

import pytest

from postroom.bench.api_client import APIClient, mail_path, mails_path
from postroom.errors import PostroomError
from tests.unit.bench.stubs import served


class OneAnswerServer:
    """Answers one request on each connection and hangs up, without having said so."""

    def __init__(self, status: str = "200 OK", body: bytes = b'{"sessid": "s1"}') -> None:
        self.answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)
        self.heads: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)


def make_client(port: int) -> APIClient:
    return APIClient("127.0.0.1", port, address="user@example.test", password="pass:word")


async def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    server = OneAnswerServer()
    async with served(server) as port:
        client = make_client(port)
        assert await asyncio.to_thread(client.login) == "s1"
        assert await asyncio.to_thread(client.call, "GET", "/api/v1/folders/") == {"sessid": "s1"}
        client.close()
    assert len(server.heads) == 2
    credentials = base64.b64encode(b"user@example.test:pass:word")
    assert b"Authorization: Basic " + credentials in server.heads[0]
    assert b"X-Axigen-Session: s1" in server.heads[1]


async def test_an_error_says_what_was_called_and_answered() -> None:
    async with served(OneAnswerServer("404 Not Found", b'{"errorCode":"notFound"}')) as port:
        client = make_client(port)
        with pytest.raises(PostroomError, match=r"GET /x answered 404: \{.errorCode.:.notFound.\}"):
            await asyncio.to_thread(client.call, "GET", "/x")
        client.close()


async def test_a_server_that_is_gone_is_an_error_and_not_tried_forever() -> None:
    async with served(OneAnswerServer()) as port:
        client = make_client(port)
        await asyncio.to_thread(client.login)
    with pytest.raises(PostroomError, match="POST /api/v1/login: "):
        await asyncio.to_thread(client.login)
    client.close()


async def test_a_folder_that_is_not_there_is_an_error() -> None:
    async with served(OneAnswerServer(body=b'{"items": [{"role": "drafts"}]}')) as port:
        client = make_client(port)
        assert (await asyncio.to_thread(client.get_folder, "drafts"))["role"] == "drafts"
        with pytest.raises(PostroomError, match="no folder with the role 'inbox'"):
            await asyncio.to_thread(client.get_folder, "inbox")
        client.close()


def test_paths() -> None:
    assert mails_path("80_114", sort="date", start=0) == "/api/v1/mails?folderId=80_114&sort=date&start=0"
    assert mail_path("ODBf", "body?type=html") == "/api/v1/mails/ODBf/body?type=html"
    assert mail_path("a/b") == "/api/v1/mails/a%2Fb"
