"""What the tests of second steps share: a session, security tokens, codes of an app, and letters in the queue."""

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp

from tests.api.world import PASSWORD, User, World, basic

SESSION = "X-Axigen-Session"
TOKEN = "X-Axigen-Security-Token"
METHODS = "/api/v1/account/security/methods"
TWO_FACTOR = "/api/v1/account/security/2fa"


@dataclass
class Owner:
    """A user in a session."""

    user: User
    headers: dict[str, str] = field(default_factory=dict)
    sessid: str = ""
    """Of a cookie session."""

    @property
    def world(self) -> World:
        """Where it is."""
        return self.user.world

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Make a call in the session."""
        client = self.user.client if not self.sessid else self.world.connect()
        url = httpx.URL(path)
        if self.sessid:
            url = url.copy_merge_params({"_h": self.sessid})
        return await client.request(method, url, json=body, headers={**self.headers, **headers})

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Make a call that succeeds, and return what it answers."""
        answer = await self.call(method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    async def prove(self, password: str = PASSWORD) -> None:
        """Get a security token, for all calls from now on."""
        made = await self.ok("POST", "/api/v1/account/security/check", {"password": password})
        self.headers[TOKEN] = made["securityToken"]

    async def add_app(self) -> tuple[str, pyotp.TOTP]:
        """Set up an app; return the method and what makes its codes."""
        made = await self.ok("POST", METHODS, {"method": "authApp"})
        [secret] = parse_qs(urlsplit(made["otpauthUri"]).query)["secret"]
        app = pyotp.TOTP(secret)
        await self.ok("POST", f"{METHODS}/{made['id']}/activate", {"totpToken": self.code(app)})
        return made["id"], app

    async def add_email(self, address: str = "ann@elsewhere.test") -> str:
        """Set up an address; return the method."""
        made = await self.ok("POST", METHODS, {"method": "email", "target": address})
        self.later(1)
        await self.ok("POST", f"{METHODS}/{made['id']}/sendtoken")
        code = find_code((await read_letters(self.world))[-1])
        await self.ok("POST", f"{METHODS}/{made['id']}/activate", {"totpToken": code})
        return str(made["id"])

    def code(self, app: pyotp.TOTP, *, steps: int = 0) -> str:
        """Return the code of an app at this time, or so many steps later."""
        return str(app.at(int(self.world.clock.now) + 30 * steps))

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.world.clock.now += seconds

    async def switch_on(self) -> tuple[str, pyotp.TOTP, list[str]]:
        """Set up an app and 2-step verification, in a session by an app password, which goes on."""
        await self.prove()
        made = await self.ok("POST", "/api/v1/account/apppasswords", {"name": "program"})
        method, app = await self.add_app()
        self.later(30)
        answer = await self.ok("POST", TWO_FACTOR, {"methodId": method, "totpToken": self.code(app)})
        self.later(30)
        self.user.client.headers["Authorization"] = basic(self.user.account.address, made["password"])
        return method, app, answer["recoveryCodes"]


async def open_session(user: User) -> Owner:
    """Return a user in a new session."""
    made = await user.client.post("/api/v1/login")
    assert made.status_code == 200, made.text
    return Owner(user, {SESSION: made.json()["sessid"]})


async def log_in(user: User, *, password: str = PASSWORD) -> tuple[Owner, str]:
    """Return a user in a new cookie session, and what its login says of a second step."""
    client = user.world.connect()
    made = await client.post(
        "/api/v1/login/cookie", json={"username": user.account.address, "password": password}
    )
    assert made.status_code == 200, made.text
    cookie = made.headers["set-cookie"].partition(";")[0]
    owner = Owner(user, {"Cookie": cookie}, made.json()["sessid"])
    return owner, made.headers.get("x-axigen-2fa", "")


async def read_letters(world: World) -> list[tuple[str, str]]:
    """Return the recipients and texts of all letters in the queue, the oldest first."""
    found = []
    async with world.store.directory() as tables:
        rows = await tables.outgoing._connection.fetch_all(
            "SELECT outgoing.account_id, content_id, address FROM outgoing "
            "JOIN outgoing_recipient USING (processing_id) WHERE kind = 'notice' "
            "ORDER BY created_at, processing_id"
        )
    for account_id, content_id, address in rows:
        async with world.store.read(account_id) as mailbox:
            content = await mailbox.contents.find(content_id)
            assert content is not None
            reader = await world.store.messages.open(account_id, content)
            raw = await reader.read(0, content.size_bytes)
            reader.close()
        message = message_from_bytes(bytes(raw), policy=default)
        part = message.get_body()
        assert part is not None
        found.append((address, part.get_content()))
    return found


def find_code(letter: tuple[str, str]) -> str:
    """Return the code in a letter."""
    found = re.match(r"(\d{6}) is", letter[1])
    assert found is not None
    return found[1]
