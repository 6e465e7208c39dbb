"""A client of the API: :class:`Client`, and :class:`AsyncClient` for asyncio.

Each call is a method, named as in the OpenAPI document (``listMails`` is ``list_mails``), with the answers in
:mod:`postroom.client.structs`. It needs the extra ``postroom[client]`` and nothing of the server beside it.
"""

from postroom.client.async_calls import AsyncCalls
from postroom.client.async_core import AsyncDownload
from postroom.client.call import Event, File
from postroom.client.errors import APIError, ClientError, NotReachableError
from postroom.client.sync_calls import Calls
from postroom.client.sync_core import Download


class AsyncClient(AsyncCalls):
    """One account at one server, for asyncio."""


class Client(Calls):
    """One account at one server."""


__all__ = [
    "APIError",
    "AsyncClient",
    "AsyncDownload",
    "Client",
    "ClientError",
    "Download",
    "Event",
    "File",
    "NotReachableError",
]
