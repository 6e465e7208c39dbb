"""A server in a process of its own, and the accounts in it.

Mail comes in by LMTP and changes go through the API, as they do for users. What no user can do over the network
(making accounts, filling a mailbox with thousands of mails, reading a captcha) is done by this process, with the
program's own code over the same store, as the command line does it.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp

from postroom.app.services import Services, open_services
from postroom.bench.lmtp_client import LMTPClient
from postroom.bench.server import ServerProcess, find_free_port
from postroom.config.load import load
from postroom.config.root import Config
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.failed_logins import hash_name
from tests.fixtures.factories import DOMAIN, Owner

PASSWORD = "correct horse"
API = "/api/v1"
STRICT = "strict"
"""A class of accounts that must have a second step, and passwords of 12 characters."""
SMALL = "small"
"""A class of accounts for 10 MB."""
_STEP_SECONDS = 30
_ENOUGH_SECONDS = 12
"""What is left of a step in which a code is typed in and checked, on a slow machine too."""


@dataclass
class Site:
    """A running server."""

    url: str
    config: Config
    services: Services
    server: ServerProcess
    _count: int = field(default=0, init=False)

    async def add_account(self, name: str = "", full_name: str = "Ann Example", **settings: Any) -> "Member":
        """Add an account; without a name it gets one that no other has. ``settings``: of AccountSettings."""
        self._count += 1
        services = self.services
        directory = Directory(services.store, services.hasher, self.config.classes)
        chosen = AccountSettings(full_name=full_name, password=PASSWORD, **settings)
        account = await directory.add_account(f"{name or f'ann{self._count}'}@{DOMAIN}", chosen)
        return Member(self, Owner(services.store, services.domain, account, PASSWORD))

    async def change_account(self, member: "Member", **settings: Any) -> None:
        """Change an account, as the operator does. ``settings``: of AccountSettings."""
        directory = Directory(self.services.store, self.services.hasher, self.config.classes)
        await directory.set_account(member.address, AccountSettings(**settings))

    async def read_captcha(self, captcha_id: str, name: str) -> str:
        """Return what stands in the image of a captcha, as somebody with good eyes reads it."""
        domain = self.services.domain
        counted = await domain.logins.count_as(name)
        key = domain.cookie_logins._captchas._key
        found = key.find(captcha_id, hash_name(counted), now_ms=self.services.clock.now_ms())
        assert found is not None
        return found.text


@dataclass
class Member:
    """Somebody with an account."""

    site: Site
    owner: Owner

    @property
    def address(self) -> str:
        return self.owner.account.address

    @property
    def inbox(self) -> str:
        """The wire id of the Inbox."""
        return f"{self.owner.account_id}_2"

    @cached_property
    def client(self) -> httpx.AsyncClient:
        """Calls of the API as this member; to be closed."""
        return httpx.AsyncClient(base_url=self.site.url + API, auth=(self.address, PASSWORD), timeout=30)

    async def close(self) -> None:
        """Close what was opened."""
        await self.client.aclose()

    async def deliver(self, *messages: bytes, folder: str = "") -> None:
        """Deliver messages by LMTP; ``folder`` is the one that their recipient names behind a plus sign."""
        name, _, domain = self.address.partition("@")
        to = f"{name}+{folder}@{domain}" if folder else self.address
        async with LMTPClient(self.site.config.lmtp.listen) as lmtp:
            for message in messages:
                reply = await lmtp.deliver(message, to=to, sender="sender@example.org")
                assert reply.is_positive, reply

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the JSON that a call of the API answers; it must succeed."""
        response = await self.client.request(method, path, json=body, headers=headers)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def read_code(self, pattern: str) -> str:
        """Wait for a letter whose text has a pattern with one group; return what that is."""
        async with asyncio.timeout(_STEP_SECONDS):
            while True:
                newest = (await self.call("GET", f"/mails?folderId={self.inbox}&limit=1"))["items"]
                for mail in newest:
                    body = await self.call("GET", f"/mails/{mail['id']}/body?type=text")
                    found = re.search(pattern, base64.b64decode(body["data"]).decode())
                    if found:
                        await self.call("DELETE", f"/mails/{mail['id']}")
                        return found[1]
                await asyncio.sleep(0.1)

    async def switch_on_second_step(self) -> pyotp.TOTP:
        """Set up an authenticator app and 2-step verification; return the app."""
        session = (await self.call("POST", "/login"))["sessid"]
        headers = {"X-Axigen-Session": session}
        made = await self.call("POST", "/account/security/check", {"password": PASSWORD}, **headers)
        headers["X-Axigen-Security-Token"] = made["securityToken"]
        method = await self.call("POST", "/account/security/methods", {"method": "authApp"}, **headers)
        [secret] = parse_qs(urlsplit(method["otpauthUri"]).query)["secret"]
        app = pyotp.TOTP(secret)
        # Each code is good once: the app's clock is a step behind, then right; a login takes the next.
        now = await self.begin_step()
        activate = f"/account/security/methods/{method['id']}/activate"
        await self.call("POST", activate, {"totpToken": app.at(now - _STEP_SECONDS)}, **headers)
        switch = {"methodId": method["id"], "totpToken": app.at(now)}
        await self.call("POST", "/account/security/2fa", switch, **headers)
        return app

    async def begin_step(self) -> int:
        """Wait until the present step of codes lasts for a while yet; return the time (Unix seconds).

        The code of the step before is right as long as this one lasts.
        """
        left = _STEP_SECONDS - self.site.services.clock.now() % _STEP_SECONDS
        if left < _ENOUGH_SECONDS:
            await asyncio.sleep(left)
        return int(self.site.services.clock.now())

    def next_code(self, app: pyotp.TOTP) -> str:
        """Return the code of an app whose clock is a step ahead."""
        return app.at(int(self.site.services.clock.now()) + _STEP_SECONDS)


@asynccontextmanager
async def running_site(
    folder: Path, store_url: str = "sqlite:", *, http_options: str = ""
) -> AsyncIterator[Site]:
    """Run a server with its data in ``folder``, until the block ends."""
    http, lmtp = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
    path = folder / "postroom.toml"
    path.write_text(
        f'data_dir = "data"\nprimary_domain = "{DOMAIN}"\nhelpers = 0\n'
        f'[http]\nlisten = "{http}"\n{http_options}\n[lmtp]\nlisten = "{lmtp}"\n'
        f"[store]\nurl = {json.dumps(store_url)}\n"
        "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
        # What a test sends must not reach anybody.
        "[sending]\ndirect = false\n"
        f"[classes.{STRICT}.restrictions.security_policy.two_factor_auth_policy]\n"
        'status = "mandatory"\n'
        f"[classes.{STRICT}.restrictions.password_policy.content_policy]\n"
        "enabled = true\nmin_length = 12\n"
        f"[classes.{SMALL}]\nquota_kb = 10240\n"
    )
    config = load(path).config
    async with open_services(config) as services:
        await Directory(services.store, services.hasher, config.classes).add_domain(DOMAIN)
        server = ServerProcess(path, listen=http, log_path=folder / "server.log")
        await asyncio.to_thread(server.__enter__)
        try:
            yield Site(f"http://{http}", config, services, server)
        finally:
            await asyncio.to_thread(server.stop)
