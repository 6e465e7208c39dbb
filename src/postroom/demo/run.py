"""``make run``: a server with a demonstration account and about 200 mails in it, ready to be called.

The first run makes a folder with a configuration, a store and the account, and delivers the mails over LMTP, as
any mail server would; what makes a mail read or flagged goes through the API. A later run starts the same server
again. A run that was interrupted while delivering is made good by the next: mails are known by their Message-ID.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from postroom.bench.api_client import APIClient, mail_path, mails_path
from postroom.bench.lmtp_client import LMTPClient
from postroom.bench.server import ServerProcess, add_account, interrupted_by_sigterm, run_postroom
from postroom.demo.letters import OWNER_NAME
from postroom.demo.mailbox import DemoMessage, demo_messages
from postroom.errors import Kind, PostroomError

ADDRESS = "demo@example.test"


@dataclass(frozen=True)
class DemoOptions:
    """Where the demonstration keeps its data and listens; used when the data folder is made, and kept there."""

    data_dir: Path = Path("postroom-data")
    http_listen: str = "127.0.0.1:8080"
    lmtp_listen: str = "127.0.0.1:8024"


class _State(msgspec.Struct):
    """What a later run has to know; a JSON file in the data folder that only its owner may read."""

    address: str
    password: str
    http_listen: str
    lmtp_listen: str
    has_account: bool = False
    has_mails: bool = False


class Demo:
    """The demonstration in one data folder."""

    def __init__(self, options: DemoOptions, console: Console) -> None:
        self._console = console
        self._directory = options.data_dir
        self._config_path = self._directory / "demo.toml"
        self._state_path = self._directory / "demo.json"
        self._log_path = self._directory / "demo.log"
        self._state = self._load_state(options)

    def _load_state(self, options: DemoOptions) -> _State:
        if self._state_path.exists():
            return msgspec.json.decode(self._state_path.read_bytes(), type=_State)
        if self._directory.exists() and any(self._directory.iterdir()):
            raise PostroomError(
                Kind.CONFLICT,
                "folderInUse",
                f"{self._directory} exists and is no demonstration; choose another folder with --data-dir",
            )
        return _State(ADDRESS, secrets.token_urlsafe(9), options.http_listen, options.lmtp_listen)

    def _save_state(self) -> None:
        self._state_path.touch(mode=0o600)
        self._state_path.write_bytes(msgspec.json.format(msgspec.json.encode(self._state)))

    def run(self) -> int:
        """Make what is missing, serve until a signal comes or the server ends, and return its exit code."""
        self._make_account()
        self._refuse_taken_ports()
        state = self._state
        self._tell(f"Starting the server (its log is {self._log_path}) …")
        with ServerProcess(self._config_path, listen=state.http_listen, log_path=self._log_path) as server:
            api = APIClient(server.host, server.port, address=state.address, password=state.password)
            if not state.has_mails:
                self._add_mails(api)
            self._console.print(self._render_welcome(api), markup=False, highlight=False, soft_wrap=True)
            api.close()
            return server.wait()

    def _tell(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _make_account(self) -> None:
        if self._state.has_account:
            return
        self._tell(f"Making a demonstration in {self._directory} …")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._save_state()
        # A JSON string is a TOML string too; a relative data_dir starts where the configuration is.
        self._config_path.write_text(
            f'data_dir = "."\nprimary_domain = {json.dumps(self._state.address.partition("@")[2])}\n'
            f"[http]\nlisten = {json.dumps(self._state.http_listen)}\n"
            f"[lmtp]\nlisten = {json.dumps(self._state.lmtp_listen)}\n"
            # What somebody tries here must not reach people elsewhere.
            "[sending]\ndirect = false\n"
        )
        run_postroom("init", config_path=self._config_path)
        add_account(
            self._state.address, self._state.password, config_path=self._config_path, full_name=OWNER_NAME
        )
        self._state.has_account = True
        self._save_state()

    def _refuse_taken_ports(self) -> None:
        for listen in (self._state.http_listen, self._state.lmtp_listen):
            host, _, port = listen.rpartition(":")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    raise PostroomError(
                        Kind.CONFLICT,
                        "portInUse",
                        f"something listens at {listen} already: stop it, or begin another demonstration by "
                        ".venv/bin/python -m postroom.demo --data-dir FOLDER --http-listen 127.0.0.1:8090 "
                        "--lmtp-listen 127.0.0.1:8034",
                    )

    def _add_mails(self, api: APIClient) -> None:
        inbox_id = api.get_folder("inbox")["id"]
        present = {mail["messageId"] for mail in api.iter_mails(inbox_id)}
        messages = demo_messages(self._state.address)
        missing = [message for message in messages if message.message_id not in present]
        self._tell(f"Delivering {len(missing)} mails over LMTP to {self._state.lmtp_listen} …")
        asyncio.run(deliver(missing, listen=self._state.lmtp_listen, address=self._state.address))
        set_flags(api, inbox_id, messages)
        self._state.has_mails = True
        self._save_state()

    def _render_welcome(self, api: APIClient) -> str:
        state = self._state
        inbox_id = api.get_folder("inbox")["id"]
        newest = api.call("GET", mails_path(inbox_id, limit=1))["items"]
        base = f"http://{state.http_listen}"
        curl = f"curl -s -u '{state.address}:{state.password}'"
        body = f"\n\n# The body of the newest one\n{curl} '{base}{mail_path(newest[0]['id'], 'body/full?type=text')}'"
        return (
            "\nPostroom runs.\n"
            f"  web client   {base}/\n  the API      {base}/api/docs\n  LMTP         {state.lmtp_listen}\n\n"
            "Log in, here and there, with\n"
            f"  account   {state.address}\n  password  {state.password}\n\n"
            f"# How many mails are unread\n{curl} '{base}/api/v1/mails/counters'\n\n"
            f"# The ten newest mails of Inbox\n{curl} '{base}{mails_path(inbox_id, limit=10)}'"
            f"{body if newest else ''}\n\n"
            "Ctrl-C stops the server; the next run finds all as it was.\n"
        )


async def deliver(messages: Sequence[DemoMessage], *, listen: str, address: str) -> None:
    """Deliver ``messages`` in order; raises ``PostroomError`` (``deliveryRefused``) at the first refusal."""
    local, _, domain = address.partition("@")
    async with LMTPClient(listen, name="demo.example.test") as client:
        for message in messages:
            to = f"{local}+{message.detail}@{domain}" if message.detail else address
            reply = await client.deliver(message.raw, to=to, sender="sender@demo.example")
            if not reply.is_positive:
                raise PostroomError(
                    Kind.UNAVAILABLE,
                    "deliveryRefused",
                    f"the server refused {message.message_id}: {reply.code} {reply.text}",
                )


def set_flags(api: APIClient, inbox_id: str, messages: Sequence[DemoMessage]) -> None:
    """Make the mails read and flagged as ``messages`` say; what is right already is left alone."""
    wanted = {message.message_id: message for message in messages}
    for mail in list(api.iter_mails(inbox_id)):
        message = wanted.get(mail["messageId"])
        if message is None:
            continue
        flags = {"isUnread": message.is_unread, "isFlagged": message.is_flagged}
        changes = {name: value for name, value in flags.items() if mail[name] != value}
        if changes:
            api.call("PATCH", mail_path(mail["id"]), changes)


def run_demo(options: DemoOptions, console: Console | None = None) -> int:
    """Run the demonstration until Ctrl-C or SIGTERM; return 0 then, else the code that the server ended with."""
    console = console or Console()
    try:
        with interrupted_by_sigterm():
            return Demo(options, console).run()
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0
    except PostroomError as error:
        console.print(f"demo: {error.message}", markup=False, highlight=False, soft_wrap=True)
        return 1
