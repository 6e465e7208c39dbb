"""Generated calls of every operation: whatever comes, the answer is what the document says, and never a 500.

The calls are made over loopback against one server in process for each engine; the seeds are fixed. Each operation is
called with ids as generated, which name nothing, and with the ids of what is there, made anew
after each call that changed it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case as GenericCase
from schemathesis import Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from postroom.api.build import build_router
from postroom.api.openapi import make_document
from postroom.api.protocol import make_protocol
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.config.classes import AccountClass
from postroom.store import open_store
from tests.api.test_access import SESSION, make_things
from tests.api.world import World, make_world
from tests.fixtures.postgres import PostgresServer, run_in_thread

Case = GenericCase[Any]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NUMBERS = {"partId", "attachmentId", "innerAttachmentId"}
SETTINGS = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SCHEMA = schemathesis.openapi.from_dict(make_document(build_router(APIStats()).routes)).exclude(
    # Its answer does not end.
    operation_id="streamEvents"
)


class Server:
    """A server in a thread of its own."""

    def __init__(self, store_url: str, folder: Path) -> None:
        self.store_url = store_url
        self.folder = folder
        self.url = ""
        self.headers: dict[str, str] = {}
        self.world: World | None = None
        self._numbers = count()
        self.things: dict[str, str] = {}
        self.started = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.server: uvicorn.Server | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            try:
                runner.run(self._serve())
            finally:
                self.started.set()

    async def _serve(self) -> None:
        store = await open_store(self.store_url, self.folder)
        self.world = world = await make_world(store, APISettings(), {"default": AccountClass()})
        protocol = make_protocol(32 * 1024)
        config = uvicorn.Config(
            world.app, port=0, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        self.server = uvicorn.Server(config)
        self.server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        serving = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 (the server has no event to wait for)
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        self.started.set()
        await serving
        await world.close()
        await store.close()

    def renew(self) -> None:
        """Call as a new account, which has one of everything."""
        asyncio.run_coroutine_threadsafe(self._renew(), self.loop).result(30)

    async def _renew(self) -> None:
        assert self.world is not None
        user = await self.world.add_account(f"ann{next(self._numbers)}@example.test")
        self.headers = {"Authorization": user.client.headers["Authorization"]}
        self.things = await make_things(user)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield "sqlite:"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    names: list[str] = []
    run_in_thread(lambda: names.append(postgres.take_database()))
    yield postgres.url(names[0])
    run_in_thread(lambda: postgres.give_back(names[0]))


@pytest.fixture(scope="module")
def server(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server."""
    made = Server(store_url, tmp_path_factory.mktemp("data"))
    made.thread.start()
    made.started.wait(30)
    assert made.server is not None
    made.renew()
    yield made
    made.server.should_exit = True
    made.thread.join(30)


def check(case: Case, server: Server, **headers: str) -> Response:
    if case.headers and "wait=" in str(case.headers.get("Prefer", "")):
        case.headers["Prefer"] = "wait=1"  # The longest wait is longer than a client here is patient.
    return case.call_and_validate(base_url=server.url, headers=server.headers | headers, checks=CHECKS)


@SCHEMA.parametrize()
@SETTINGS
def test_as_generated(case: Case, server: Server) -> None:
    check(case, server)


def put(things: dict[str, str], given: dict[str, Any]) -> bool:
    """Put the ids of what is there in the place of those that are given; tell whether there were any."""
    names = given.keys() & things.keys() - NUMBERS
    given.update({name: [things[name]] if name in {"ids", "folderIds"} else things[name] for name in names})
    # Short numbers stay as they are: some of them name a part, some do not.
    given.update({name: "0" for name, value in given.items() if name in NUMBERS and len(str(value)) > 3})
    return bool(names)


@SCHEMA.parametrize()
@SETTINGS
def test_of_what_is_there(case: Case, server: Server) -> None:
    has_ids = False
    things = server.things
    if "/batch/conversations/" in case.path:
        things = {**things, "ids": things["conversationId"]}
    for values in (case.path_parameters, case.query, case.body):
        has_ids |= put(things, values if isinstance(values, dict) else {})
    case.headers.pop(SESSION, None)
    needs_session = case.path.startswith("/api/v1/temporaryAttachments")
    response = check(case, server, **({SESSION: server.things[SESSION]} if needs_session else {}))
    if has_ids and case.method not in {"GET", "HEAD"} and response.status_code < 300:
        # What was there is changed or gone.
        server.renew()
