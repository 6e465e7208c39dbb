"""Generated calls of every operation: whatever comes, the answer is what the document says, and never a 500.

The calls are made over loopback against one server in process, with a mail that has everything; the seeds are fixed.
Each operation is called with ids as generated, which name nothing, and with the ids of what is there.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case as GenericCase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from postroom.api.build import build_router
from postroom.api.openapi import make_document
from postroom.api.protocol import make_protocol
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.config.classes import AccountClass
from postroom.store import open_store
from tests.api.world import make_message, make_world

Case = GenericCase[Any]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NUMBERS = {"partId", "attachmentId", "innerAttachmentId"}
PDF = ("application/pdf", "a.pdf", b"%PDF-1.4")
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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.headers: dict[str, str] = {}
        self.ids: dict[str, str] = {}
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
        store = await open_store("sqlite:", self.folder)
        world = await make_world(store, APISettings(), {"default": AccountClass()})
        user = await world.add_account("ann@example.test")
        inner = make_message(attachments=(PDF,))
        mail = await user.deliver(
            make_message(html="<p>text</p>", attachments=(("message/rfc822", "m", inner), PDF))
        )
        self.ids = {"mailId": mail, "folderId": user.inbox, "activeMailId": mail}
        self.headers = {"Authorization": user.client.headers["Authorization"]}
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server."""
    made = Server(tmp_path_factory.mktemp("data"))
    made.thread.start()
    made.started.wait(30)
    assert made.server is not None
    yield made
    made.server.should_exit = True
    made.thread.join(30)


def check(case: Case, server: Server) -> None:
    case.call_and_validate(base_url=server.url, headers=server.headers, checks=CHECKS)


@SCHEMA.parametrize()
@SETTINGS
def test_as_generated(case: Case, server: Server) -> None:
    check(case, server)


@SCHEMA.parametrize()
@SETTINGS
def test_of_what_is_there(case: Case, server: Server) -> None:
    for values in (case.path_parameters, case.query):
        given: dict[str, Any] = values or {}
        given.update({name: server.ids[name] for name in given if name in server.ids})
        # Short numbers stay as they are: some of them name a part, some do not.
        given.update({name: "0" for name, value in given.items() if name in NUMBERS and len(str(value)) > 3})
    case.headers.pop("X-Axigen-Session", None)
    check(case, server)
