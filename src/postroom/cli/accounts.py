"""`postroom account …`."""

import asyncio
import datetime
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from json import dumps, loads
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_directory
from postroom.cli.terminal import read_password, say, say_table
from postroom.errors import PostroomError, bad_parameter

if TYPE_CHECKING:
    from postroom.domain.directory import AccountDetails, AccountSettings

Flag = Annotated[bool, Parameter(negative=())]
Names = Annotated[tuple[str, ...], Parameter(negative=())]


@Parameter(name="*")
@dataclass(frozen=True)
class Wanted:
    """What is said of an account."""

    full_name: str | None = None
    """Name of the person."""

    password_stdin: Flag = False
    """Read the password from standard input (on a terminal it is asked for)."""

    class_name: Annotated[str | None, Parameter(name="--class")] = None
    """Class of the configuration whose limits the account has; at first default."""

    alias: Names = ()
    """Another address of the account; may be given several times."""

    language: str | None = None
    """Language, such as de, at first that of the class; folders keep the names they were made with."""

    must_change_password: bool | None = None
    """The password must be changed before the account can be used."""

    ignore_policy: Flag = False
    """Take the password, whatever the class says of passwords."""

    def settings(self, password: str | None) -> "AccountSettings":
        """Return what the domain is asked for."""
        from postroom.domain.directory import AccountSettings  # noqa: PLC0415 (commands start quickly)

        return AccountSettings(
            full_name=self.full_name,
            password=password,
            class_name=self.class_name,
            language=self.language,
            aliases=self.alias,
            must_change_password=self.must_change_password,
            ignores_policy=self.ignore_policy,
        )


_NOTHING = Wanted()


def add(address: str, /, *, wanted: Wanted = _NOTHING, options: Options = DEFAULTS) -> None:
    """Add an account with its folders; the password is asked for on a terminal.

    Args:
        address: Main address, in a domain that was added before.
        wanted: What is said of the account.
        options: Where the configuration is.
    """
    config = options.load_for_store()
    settings = wanted.settings(read_password(from_stdin=wanted.password_stdin))

    async def work() -> None:
        async with opened_directory(config) as directory, _hinting():
            account = await directory.add_account(address, settings)
        say(f"added {account.address}")

    asyncio.run(work())


@asynccontextmanager
async def _hinting() -> AsyncIterator[None]:
    """Tell who gives a password that the policy forbids what can be done."""
    try:
        yield
    except PostroomError as error:
        if "passwordPolicy" not in error.details:
            raise
        hint = f"{error.message} (--ignore-policy takes it nevertheless)"
        raise bad_parameter("password", hint) from None


def set_account(
    address: str,
    /,
    *,
    remove_alias: Names = (),
    wanted: Wanted = _NOTHING,
    options: Options = DEFAULTS,
) -> None:
    """Change an account. A new password ends its sessions.

    Args:
        address: Any address of the account.
        remove_alias: An alias it loses; may be given several times.
        wanted: What is said of the account.
        options: Where the configuration is.
    """
    config = options.load_for_store()
    if wanted == _NOTHING and not remove_alias:
        raise bad_parameter("options", "nothing to change; see postroom account set --help")
    if wanted.ignore_policy and not wanted.password_stdin:
        raise bad_parameter("options", "--ignore-policy is for a new password; add --password-stdin")
    password = read_password(from_stdin=True) if wanted.password_stdin else None
    settings = wanted.settings(password)._replace(removed_aliases=remove_alias)

    async def work() -> None:
        async with opened_directory(config) as directory, _hinting():
            await directory.set_account(address, settings)
        say(f"changed {address}")

    asyncio.run(work())


def list_all(domain: str = "", /, *, json: Flag = False, options: Options = DEFAULTS) -> None:
    """List the accounts: address, state, class, full name.

    Args:
        domain: Only those of this domain.
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            accounts = [account async for account in directory.iter_accounts(domain)]
        if json:
            keys = ("address", "state", "class", "fullName")
            rows = [(one.address, one.state, one.class_name, one.full_name) for one in accounts]
            say(dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2, ensure_ascii=False))
            return
        say_table([(one.address, one.state, one.class_name, one.full_name) for one in accounts])

    asyncio.run(work())


def show(address: str, /, *, json: Flag = False, options: Options = DEFAULTS) -> None:
    """Show an account.

    Args:
        address: Any address of the account.
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            facts = _facts(await directory.get_account(address))
        if json:
            say(dumps(facts, indent=2, ensure_ascii=False))
            return
        say_table([(f"{_as_words(name)}:", _as_text(value)) for name, value in facts.items()])

    asyncio.run(work())


def _facts(details: "AccountDetails") -> dict[str, Any]:
    account, limits = details.account, details.account_class
    return {
        "address": account.address,
        "fullName": account.full_name,
        "aliases": details.aliases,
        "state": account.state,
        "class": account.class_name,
        "language": account.language,
        "mustChangePassword": details.must_change_password,
        "passwordSet": _as_time(details.password_set_at),
        "created": _as_time(account.created_at),
        "logins": account.login_count,
        "messages": details.mailbox.total_items if details.mailbox else 0,
        "messagesLimit": limits.messages,
        "sizeBytes": details.mailbox.size_bytes if details.mailbox else 0,
        "sizeLimitBytes": limits.quota_kb * 1024,
        "number": account.account_id,
    }


def _as_time(milliseconds: int) -> str:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC).isoformat(timespec="seconds")


def _as_pairs(details: dict[str, object]) -> str:
    """Return details as people read them; texts, which users have written, as JSON does."""
    return " ".join(f"{name}={dumps(value)}" for name, value in details.items())


def _as_words(name: str) -> str:
    """Return a name in camel case as words."""
    return re.sub("[A-Z]", lambda letter: f" {letter[0].lower()}", name)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def audit(address: str, /, *, json: Flag = False, options: Options = DEFAULTS) -> None:
    """Show what happened to the security of an account, newest first: time, kind, source address, details.

    Args:
        address: Any address of the account.
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            events = await directory.list_security_events(address)
        rows = [(_as_time(one.happened_at), one.kind, one.client, loads(one.details)) for one in events]
        if json:
            keys = ("time", "kind", "client", "details")
            say(dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2, ensure_ascii=False))
            return
        say_table([(*row, _as_pairs(details)) for *row, details in rows])

    asyncio.run(work())


def disable(address: str, /, *, options: Options = DEFAULTS) -> None:
    """Disable an account: its sessions end, nobody can log in, mail to it is refused.

    Args:
        address: Any address of the account.
        options: Where the configuration is.
    """
    _set_enabled(address, options, enabled=False)
    say(f"disabled {address}")


def enable(address: str, /, *, options: Options = DEFAULTS) -> None:
    """Enable a disabled account.

    Args:
        address: Any address of the account.
        options: Where the configuration is.
    """
    _set_enabled(address, options, enabled=True)
    say(f"enabled {address}")


def _set_enabled(address: str, options: Options, *, enabled: bool) -> None:
    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            await directory.set_enabled(address, enabled=enabled)

    asyncio.run(work())


def remove(address: str, /, *, options: Options = DEFAULTS) -> None:
    """Remove an account with all its mail. If it is interrupted, the same command goes on.

    Args:
        address: Any address of the account.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            await directory.remove_account(address)
        say(f"removed {address}")

    asyncio.run(work())
