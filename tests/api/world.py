"""A server in process: the real store and domain under the real application, with accounts and mail."""

import base64
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import httpx

from postroom.api.build import build_api
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.config.filters import FiltersConfig
from postroom.config.oidc import OIDCConfig
from postroom.config.root import Config
from postroom.config.sms import SmsConfig
from postroom.domain import Domain
from postroom.domain.clock import Clock as DomainsClock
from postroom.domain.directory import AccountSettings, Directory
from postroom.model.account import Account
from postroom.model.envelope import Envelope
from postroom.store import Store
from tests.fixtures.stores import data_dir_of

PASSWORD = "correct horse"
_CHEAP = AuthConfig(argon2_time_cost=1, argon2_memory_kib=8)


@dataclass
class World:
    """Everything that a request meets."""

    store: Store
    domain: Domain
    directory: Directory
    app: Any
    stats: APIStats
    clock: "Clock"
    hasher: PasswordHasher
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def add_account(
        self, address: str, *, class_name: str | None = None, password: str = PASSWORD
    ) -> "User":
        """Add an account."""
        settings = AccountSettings(full_name="Ann Example", password=password, class_name=class_name)
        account = await self.directory.add_account(address, settings)
        return User(self, account, self.connect(basic(address, password)))

    def connect(self, authorization: str | None = None, *, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return a client; with ``authorization`` every call carries it."""
        headers = {} if authorization is None else {"Authorization": authorization}
        transport = httpx.ASGITransport(self.app, client=(address, 40000))
        client = httpx.AsyncClient(transport=transport, base_url="http://mail.test", headers=headers)
        self.clients.append(client)
        return client

    async def close(self) -> None:
        """Close the clients and end the threads."""
        for client in self.clients:
            await client.aclose()
        await self.domain.logins.log.close()
        await self.domain.doomed.close()
        await self.domain.temporary_attachments.close()
        await self.domain.learning.close()
        self.hasher.close()


@dataclass
class Clock:
    """The time of the domain, moved by tests."""

    now: float = 1_744_407_421.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class DomainClock(DomainsClock):
    """The same time, as the domain asks for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Return the time."""
        return self._clock.now


@dataclass
class User:
    """An account with a client that calls as it."""

    world: World
    account: Account
    client: httpx.AsyncClient

    @property
    def inbox(self) -> str:
        """The wire id of the Inbox."""
        return f"{self.account.account_id}_2"

    async def deliver(self, raw: bytes) -> str:
        """Deliver a message and return the wire id of the mail."""
        address = self.account.address
        recipient = await self.world.domain.ingest.resolve_recipient(address, size_bytes=None)
        envelope = Envelope(
            sender="sender@example.org",
            recipients=(recipient,),
            client="[127.0.0.1]",
            helo="client.example.org",
            smtputf8=False,
            body_8bit=True,
        )
        self.world.clock.now += 1
        [problem] = await self.world.domain.ingest.deliver(envelope, raw)
        assert problem is None
        page = await self.get("/api/v1/mails", folderId=self.inbox, sort="date", dir="DESC", limit=1)
        return str(page["items"][0]["id"])

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET that succeeds."""
        response = await self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()


def basic(name: str, password: str) -> str:
    """Return the Authorization header of a name and password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


async def make_world(
    store: Store,
    settings: APISettings,
    classes: dict[str, AccountClass],
    filters: FiltersConfig | None = None,
    *,
    oidc: OIDCConfig | None = None,
    sms: SmsConfig | None = None,
) -> World:
    """Put everything together over ``store``."""
    hasher, clock = PasswordHasher(_CHEAP), Clock()
    config = Config(
        data_dir=data_dir_of(store),
        auth=_CHEAP,
        classes=classes,
        filters=filters or FiltersConfig(),
        oidc=oidc or OIDCConfig(),
        sms=sms or SmsConfig(),
    )
    domain = await make_domain(store, config, hasher, clock=DomainClock(clock))
    stats = APIStats()
    directory = Directory(store, hasher, classes, clock=clock)
    await directory.add_domain("example.test")
    return World(store, domain, directory, build_api(domain, settings, stats), stats, clock, hasher)


def make_message(
    *,
    subject: str = "Subject",
    text: str = "Hello, this is the text.\n",
    html: str = "",
    attachments: tuple[tuple[str, str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """Return a raw message; ``attachments`` are (media type, name, content), headers by name with underscores."""
    message = EmailMessage()
    message["From"] = headers.pop("from_", "Bea Sender <bea@example.org>")
    message["To"] = headers.pop("to", "ann@example.test")
    message["Subject"] = subject
    message["Date"] = "Fri, 11 Apr 2025 21:37:01 +0000"
    message["Message-ID"] = "<1@example.org>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for media_type, name, content in attachments:
        main, _, sub = media_type.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
