"""Text messages by the HTTP gateway of the configuration.

The connection is made as those of webhooks are (:class:`postroom.app.webhook_http.CheckedNetwork`): the name is
resolved once, and each address is checked before it is connected to. Redirections are not followed, certificates are
verified, the whole call has a time limit, and nothing is read of the answer but its status. The message stands in URL
and body only in a form in which it cannot become anything else.
"""

import asyncio
import contextlib
import json
import ssl
from urllib.parse import quote, quote_plus

import httpcore

import postroom
from postroom.app.webhook_http import FAILURES, CheckedNetwork, Lookups, Resolve, describe
from postroom.config.sms import SmsConfig
from postroom.domain.webhook_urls import parse_hook_url
from postroom.errors import PostroomError, unavailable


class SmsGateway:
    """Sends text messages."""

    def __init__(
        self, config: SmsConfig, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """``tls`` verifies certificates; by default by the authorities that the system trusts."""
        self._config = config
        self._resolve = resolve or Lookups()
        self._tls = tls or ssl.create_default_context()

    async def send(self, number: str, text: str) -> None:
        """Send a text to a phone number. Raises: unavailable."""
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                status = await self._call(number, text)
        except TimeoutError:
            raise _failed(f"no answer within {self._config.timeout_seconds} seconds") from None
        except (OSError, *FAILURES) as error:
            raise _failed(describe(error)) from None
        except PostroomError as error:
            raise _failed(error.message) from None
        if not 200 <= status < 300:
            raise _failed(f"the answer was {status}")

    async def _call(self, number: str, text: str) -> int:
        config = self._config
        url = parse_hook_url(render_url(config, number, text), allow_private=config.allow_private)
        headers = [("Host", url.netloc), ("User-Agent", f"postroom/{postroom.__version__}")]
        headers += [
            (name, value.strip()) for name, _, value in (one.partition(":") for one in config.headers)
        ]
        body = b"" if config.method == "GET" else render_body(config, number, text)
        target = httpcore.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        network = CheckedNetwork(self._resolve, allow_private=config.allow_private, what="text messages")
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(network.close)
            pool = await stack.enter_async_context(
                httpcore.AsyncConnectionPool(
                    ssl_context=self._tls, max_connections=1, network_backend=network
                )
            )
            answer = await stack.enter_async_context(
                pool.stream(config.method, target, headers=headers, content=body)
            )
            return int(answer.status)


def render_url(config: SmsConfig, number: str, text: str) -> str:
    """Return the URL of a call."""
    return _fill(config.url, quote(number, safe=""), quote(text, safe=""))


def render_body(config: SmsConfig, number: str, text: str) -> bytes:
    """Return the body of a call."""
    kind = ""
    for header in config.headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-type":
            kind = value.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        number, text = json.dumps(number)[1:-1], json.dumps(text)[1:-1]
    elif kind == "application/x-www-form-urlencoded":
        number, text = quote_plus(number), quote_plus(text)
    return _fill(config.body, number, text).encode()


def _fill(template: str, number: str, text: str) -> str:
    """Put both in their places; what is in the one is no place for the other."""
    return text.join(part.replace("{to}", number) for part in template.split("{text}"))


def _failed(reason: str) -> PostroomError:
    return unavailable("the text message could not be sent", private=reason)
