"""Text messages by a gateway on this machine: what it is sent, and what becomes of gateways that fail."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from tests.protocol.sms_gateway import Gateway, running_gateway

from postroom.app.sms_http import SmsGateway, render_body, render_url
from postroom.config.sms import SmsConfig
from postroom.errors import PostroomError

NUMBER = "+491701234567"
TEXT = 'Your "code" & {to} = 123456\n'


async def test_json() -> None:
    async with running_gateway(Gateway()) as gateway:
        config = SmsConfig(
            url=f"http://127.0.0.1:{gateway.port}/send?key=1",
            headers=("Content-Type: application/json", "Authorization: Bearer abc"),
            allow_private=True,
        )
        await SmsGateway(config).send(NUMBER, TEXT)
    [(first, headers, body)] = gateway.requests
    assert first == "POST /send?key=1 HTTP/1.1"
    assert headers["authorization"] == "Bearer abc"
    assert json.loads(body) == {"to": NUMBER, "text": TEXT}


async def test_get() -> None:
    async with running_gateway(Gateway()) as gateway:
        config = SmsConfig(
            url=f"http://127.0.0.1:{gateway.port}/send?to={{to}}&text={{text}}",
            method="GET",
            allow_private=True,
        )
        await SmsGateway(config).send(NUMBER, TEXT)
    [(first, _, body)] = gateway.requests
    query = first.split()[1].partition("?")[2]
    assert parse_qs(query) == {"to": [NUMBER], "text": [TEXT]}
    assert body == b""


def test_forms_and_text() -> None:
    form = SmsConfig(
        url="https://sms.test/",
        headers=("content-type: application/x-www-form-urlencoded",),
        body="a={to}&b={text}",
    )
    assert parse_qs(render_body(form, NUMBER, TEXT).decode()) == {"a": [NUMBER], "b": [TEXT]}
    plain = SmsConfig(url="https://sms.test/{to}", headers=(), body="{text}")
    assert render_body(plain, NUMBER, TEXT) == TEXT.encode()
    assert render_url(plain, NUMBER, TEXT) == "https://sms.test/%2B491701234567"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "the answer was 500"),
        (lambda _: b"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "the answer was 302"),
        (lambda _: b"nonsense\r\n\r\n", "not HTTP"),
        (lambda _: b"", "no answer within 1 seconds"),
    ],
)
async def test_gateways_that_fail(make: Callable[[int], bytes], reason: str) -> None:
    async with running_gateway(Gateway(make(0))) as gateway:
        config = SmsConfig(url=f"http://127.0.0.1:{gateway.port}/", allow_private=True, timeout_seconds=1)
        with pytest.raises(PostroomError) as caught:
            await SmsGateway(config).send(NUMBER, TEXT)
    assert caught.value.code == "unavailable"
    assert reason in caught.value.private


async def test_private_addresses_are_refused() -> None:
    async with running_gateway(Gateway()) as gateway:
        with pytest.raises(PostroomError):
            await SmsGateway(SmsConfig(url=f"http://127.0.0.1:{gateway.port}/")).send(NUMBER, TEXT)

        async def resolve(_host: str, _port: int) -> list[str]:
            return ["127.0.0.1"]

        config = SmsConfig(url=f"http://sms.test:{gateway.port}/")
        with pytest.raises(PostroomError):
            await SmsGateway(config, resolve=resolve).send(NUMBER, TEXT)
    assert gateway.requests == []
