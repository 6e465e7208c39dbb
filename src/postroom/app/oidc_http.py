"""Fetching the documents of an OpenID Connect provider by HTTP.

The provider is the operator's choice, so that it may be anywhere; its certificate is verified. Redirections are not
followed, a document has a largest size, and all of it has one time limit. Each document is fetched by a connection of
its own, as that is seldom. httpcore is imported when the first one is.
"""

import asyncio
import ssl

import postroom
from postroom.config.oidc import OIDCConfig
from postroom.errors import PostroomError, unavailable

MAX_BYTES = 262_144


class DocumentFetcher:
    """Fetches documents."""

    def __init__(self, config: OIDCConfig) -> None:
        self._config = config

    async def fetch(self, url: str) -> bytes:
        """Return what is at a URL. Raises: unavailable."""
        import httpcore  # noqa: PLC0415 (loaded with the first token)

        failures = (
            OSError,
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
        )
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                return await self._get(url)
        except TimeoutError as error:
            raise _failed(f"{url}: no answer in time") from error
        except failures as error:
            raise _failed(f"{url}: {type(error).__name__}: {error}") from error

    async def _get(self, url: str) -> bytes:
        import httpcore  # noqa: PLC0415

        tls = ssl.create_default_context(cafile=self._config.ca_file or None)
        headers = [("User-Agent", f"postroom/{postroom.__version__}"), ("Accept", "application/json")]
        async with (
            httpcore.AsyncConnectionPool(ssl_context=tls, max_connections=1) as pool,
            pool.stream("GET", url, headers=headers) as answer,
        ):
            if answer.status != 200:
                raise _failed(f"{url}: the answer was {answer.status}")
            document = bytearray()
            async for piece in answer.aiter_stream():
                document += piece
                if len(document) > MAX_BYTES:
                    raise _failed(f"{url}: the document is too large")
        return bytes(document)


def _failed(private: str) -> PostroomError:
    return unavailable("the provider of identities cannot be reached", private=private)
