"""The mailbox that is measured: a server's configuration and store, one account, and the corpus in its Inbox."""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from postroom.bench.api_client import APIClient
from postroom.bench.corpus import iter_messages
from postroom.bench.load import LoadResult, run_lmtp
from postroom.bench.options import BenchOptions
from postroom.bench.processor import Usage, read_usage
from postroom.bench.server import ServerProcess, add_account, find_free_port, run_postroom
from postroom.errors import Kind, PostroomError

_BATCH_MESSAGES = 5_000
"""Held in memory for the load client: about 100 MB."""
_FILL_CONNECTIONS = 8
_LIMIT_FACTOR = 2
"""The message limit in attachments: base64 makes 4/3 of it, line ends and headers come on top."""
_MAX_SENDS = 3_000
_SENDS_IN_A_SECOND = 200
"""At least so many are accepted, so that the undo window is long enough for all."""


class Fill(NamedTuple):
    """What filling the mailbox measured: the batches over 8 connections, the last messages over one."""

    parallel: list[LoadResult]
    parallel_used: list[Usage]
    single: LoadResult
    single_used: Usage
    raw_bytes: int


class BenchMailbox:
    """One account on a server of its own, made by :meth:`create` in ``directory``."""

    def __init__(self, directory: Path, options: BenchOptions, *, size: int) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.size = size
        # The name is new in each run, so that a database server can serve many runs.
        self.address = f"bench-{size}-{secrets.token_hex(4)}@example.test"
        self.password = secrets.token_urlsafe(16)
        self.http_listen = f"127.0.0.1:{find_free_port()}"
        self.lmtp_listen = f"127.0.0.1:{find_free_port()}"
        self.relay_port = find_free_port()
        self.sends = min(_MAX_SENDS, size)
        self.seed = options.seed
        self._config_path = directory / "postroom.toml"
        self._store_url = options.store_url
        self._max_message_bytes = max(52_428_800, _LIMIT_FACTOR * options.attachment_bytes)

    def create(self) -> None:
        """Write the configuration, make the store and the account."""
        self.directory.mkdir(parents=True, exist_ok=True)
        # A JSON string is a TOML string too.
        self._config_path.write_text(
            f"data_dir = {json.dumps(str(self.data_dir))}\n"
            'primary_domain = "example.test"\n'
            f"[http]\nlisten = {json.dumps(self.http_listen)}\nmax_event_streams_per_account = 5000\n"
            f"[lmtp]\nlisten = {json.dumps(self.lmtp_listen)}\nmax_message_bytes = {self._max_message_bytes}\n"
            f"[store]\nurl = {json.dumps(self._store_url)}\n"
            f'[relay]\nhost = "127.0.0.1"\nport = {self.relay_port}\ntls = "none"\n'
            f"[sending]\nundo_seconds = {1 + self.sends // _SENDS_IN_A_SECOND}\n"
            # More than are taken in: who is written to becomes one, too.
            "[classes.default]\ncontacts = 100000\n"
        )
        run_postroom("init", config_path=self._config_path)
        add_account(self.address, self.password, config_path=self._config_path)

    def serve(self) -> ServerProcess:
        """Return the server, to be started by ``with``."""
        log_path = self.directory / "server.log"
        return ServerProcess(self._config_path, listen=self.http_listen, log_path=log_path)

    def connect(self, server: ServerProcess) -> APIClient:
        """Return a client of the account, not yet logged in."""
        return APIClient(server.host, server.port, address=self.address, password=self.password)

    def fill(self, server: ServerProcess, tell: Callable[[str], None]) -> Fill:
        """Deliver ``size`` messages of the corpus, first over 8 connections, the last fifth or 1,000 over one."""
        single_count = min(1_000, self.size // 5)
        messages = _Counting(iter_messages(self.size, seed=self.seed, to=self.address))
        parallel: list[LoadResult] = []
        used: list[Usage] = []
        left = self.size - single_count
        while left:
            batch = min(left, _BATCH_MESSAGES)
            # Made before the clock starts: the corpus costs processor time too.
            ready = list(messages.take(batch))
            before = read_usage(server.pid)
            result = self.deliver(ready, connections=_FILL_CONNECTIONS)
            used.append(read_usage(server.pid).since(before))
            parallel.append(result)
            left -= batch
            tell(
                f"{self.size - single_count - left:,} of {self.size:,} delivered, {result.per_second:,.0f}/s"
            )
        ready = list(messages.take(single_count))
        before = read_usage(server.pid)
        single = self.deliver(ready, connections=1)
        return Fill(parallel, used, single, read_usage(server.pid).since(before), messages.total_bytes)

    def deliver(self, messages: Iterable[bytes], *, connections: int) -> LoadResult:
        """Deliver ``messages`` to the account and return what was measured."""
        return run_lmtp(self.lmtp_listen, messages, to=self.address, connections=connections)

    def check_filled(self, api: APIClient) -> None:
        """Raise ``PostroomError`` (``benchmarkFailed``) unless Inbox holds exactly the messages delivered."""
        inbox = api.get_folder("inbox")
        unread = api.call("GET", "/api/v1/mails/counters")["unreadCount"]
        found = (inbox["totalItems"], inbox["unreadItems"], unread)
        if found != (self.size,) * 3:
            raise PostroomError(
                Kind.INTERNAL,
                "benchmarkFailed",
                f"{self.size} messages were delivered, but the server counts (total, unread, unread) {found}",
            )


class _Counting:
    """Hands out messages in batches and counts their bytes."""

    def __init__(self, messages: Iterator[bytes]) -> None:
        self._messages = messages
        self.total_bytes = 0

    def take(self, count: int) -> Iterator[bytes]:
        for message in islice(self._messages, count):
            self.total_bytes += len(message)
            yield message
