"""Generated calls of every operation: whatever comes, the answer is what the document says, and never a 500.

Each call is made over loopback against a server in process for each engine: to generate a call takes longer than
to make it. The seeds are fixed. Each operation is called with the ids of what is there. That is made anew, and the
call with it, where a call before may be why one is refused. What takes ids is called with those as generated too,
which name nothing: no row is found and none is changed, so one server after the other is enough. So it is for what
is refused because of how it is written, before any store is asked.

The calls are made up when a test runs, not when it is collected, as Schemathesis' own plugin would: each worker of
pytest collects all tests and would make up all calls.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case as GenericCase
from schemathesis import Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi import checks

from postroom.api.build import build_router
from postroom.api.openapi import make_document
from postroom.api.protocol import make_protocol
from postroom.api.settings import APISettings
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
MISWRITTEN = {400, 405, 406, 415}
"""The answers to calls that no server understands."""
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
COUNTS = [8, pytest.param(40, marks=pytest.mark.nightly)]
SCHEMA = schemathesis.openapi.from_dict(make_document(build_router().routes)).exclude(
    # Its answer does not end.
    operation_id="streamEvents"
)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}


class Server:
    """A server in a thread of its own."""

    def __init__(self, store_url: str, folder: Path) -> None:
        self.store_url = store_url
        self.folder = folder
        self.url = ""
        self.headers: dict[str, str] = {}
        self.world: World | None = None
        self._number = 0
        self.things: dict[str, str] = {}
        self.is_changed = False
        """Since the things were made, a call succeeded that may have changed them."""
        self.started = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.server: uvicorn.Server | None = None
        self.thread = threading.Thread(target=self._run)
        self.session = requests.Session()
        """One connection for all calls; nothing of an answer goes into the next call."""
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

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
        self._number += 1
        user = await self.world.add_account(f"ann{self._number}@example.test")
        self.headers = {"Authorization": user.client.headers["Authorization"]}
        self.things = await make_things(user)
        self.is_changed = False


@contextlib.contextmanager
def running(store_url: str, folder: Path) -> Iterator[Server]:
    """Run a server."""
    made = Server(store_url, folder)
    made.thread.start()
    try:
        made.started.wait(30)
        assert made.server is not None
        made.renew()
        yield made
    finally:
        made.session.close()
        if made.server is not None:
            made.server.should_exit = True
        made.thread.join(30)


@pytest.fixture(scope="module")
def servers(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """The servers, one over each engine."""
    names: list[str] = []
    run_in_thread(lambda: names.append(postgres_server.take_database()))
    with (
        running("sqlite:", tmp_path_factory.mktemp("data")) as on_sqlite,
        running(postgres_server.url(names[0]), tmp_path_factory.mktemp("data")) as on_postgres,
    ):
        yield [on_sqlite, on_postgres]
    run_in_thread(lambda: postgres_server.give_back(names[0]))


def check(case: Case, server: Server, **headers: str) -> Response:
    if case.headers and "wait=" in str(case.headers.get("Prefer", "")):
        case.headers["Prefer"] = "wait=1"  # The longest wait is longer than a client here is patient.
    try:
        return case.call_and_validate(
            base_url=server.url, headers=server.headers | headers, session=server.session, checks=CHECKS
        )
    except BaseException as error:
        error.add_note(f"This is the server over {server.store_url.partition(':')[0]}.")
        raise


@pytest.fixture
def turns(servers: list[Server]) -> Iterator[Server]:
    """The servers, in turn without end."""
    return cycle(servers)


def for_each_case(operation: str, count: int, call: Callable[[Case], None]) -> None:
    """Make up calls of an operation: its examples, each limit of each parameter, and ``count`` random ones."""

    def test(case: Case) -> None:
        call(case)

    build_operation_test(
        config=SCHEMA.config,
        operation=OPERATIONS[operation],
        test_func=test,
        given_kwargs={},
        feedback=NO_FEEDBACK,
        explicit_settings=settings(SETTINGS, max_examples=count),
    )()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_as_generated(operation: str, count: int, servers: list[Server]) -> None:
    turns = cycle(servers)

    def call(case: Case) -> None:
        server = next(turns)
        # Without ids, the other test makes the same call.
        if any(values.keys() & server.things.keys() for values in inputs(case)):
            check(case, server)

    for_each_case(operation, count, call)


def inputs(case: Case) -> list[dict[str, Any]]:
    """Return what a call gives by name."""
    return [values for values in (case.path_parameters, case.query, case.body) if isinstance(values, dict)]


def put(things: dict[str, str], given: dict[str, Any]) -> bool:
    """Put the ids of what is there in the place of those that are given; tell whether there were any."""
    names = given.keys() & things.keys() - NUMBERS
    given.update({name: [things[name]] if name in {"ids", "folderIds"} else things[name] for name in names})
    # Short numbers stay as they are: some of them name a part, some do not.
    given.update({name: "0" for name, value in given.items() if name in NUMBERS and len(str(value)) > 3})
    return bool(names)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_of_what_is_there(operation: str, count: int, servers: list[Server]) -> None:
    orders = cycle([servers, servers[::-1]])

    def call(case: Case) -> None:
        case.headers.pop(SESSION, None)
        for server in next(orders):
            has_ids, response = call_with_things(case, server)
            if has_ids and server.is_changed and is_refused(response):
                server.renew()
                _, response = call_with_things(case, server)
            server.is_changed |= case.method not in {"GET", "HEAD"} and response.status_code < 300
            if response.status_code in MISWRITTEN:
                break

    for_each_case(operation, count, call)


def call_with_things(case: Case, server: Server) -> tuple[bool, Response]:
    """Make a call with the ids of what is there; tell whether it takes any."""
    things, has_ids = server.things, False
    if "/batch/conversations/" in case.path:
        things = {**things, "ids": things["conversationId"]}
    for values in inputs(case):
        has_ids |= put(things, values)
    needs_session = case.path.startswith("/api/v1/temporaryAttachments")
    return has_ids, check(case, server, **({SESSION: things[SESSION]} if needs_session else {}))


def is_refused(response: Response) -> bool:
    """Tell whether a call was refused, or did nothing to some of its ids, as if they named nothing any more."""
    if response.status_code >= 300:
        return response.status_code in {401, 403, 404, 409}
    body = response.json() if response.headers.get("content-type") == ["application/json"] else None
    return isinstance(body, dict) and bool(body.get("failedItems"))
