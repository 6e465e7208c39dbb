"""`postroom folder …` and `postroom public …`: who may do what in whose folders, and public folders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say, say_table

if TYPE_CHECKING:
    from postroom.domain.sharing import Sharing

Flag = Annotated[bool, Parameter(negative=())]


@asynccontextmanager
async def _opened(options: Options) -> "AsyncIterator[Sharing]":
    from postroom.domain.sharing import Sharing  # noqa: PLC0415 (commands start quickly)

    config = options.load_for_store()
    async with opened_store(config) as store:
        yield Sharing(store, primary_domain=config.primary_domain)


def grant(
    owner: str, folder: str, account: str, /, *, permissions: str = "lr", options: Options = DEFAULTS
) -> None:
    """Say what somebody may do in a folder; it replaces what was said before.

    Args:
        owner: Address of the account whose folder it is; ~public for a public folder.
        folder: Path of the folder, such as Inbox/Projects.
        account: Address of the account that may; @example.test for all of a domain; * for all accounts.
        permissions: Letters of lrswikxtea (RFC 4314).
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            view = await sharing.put_named(owner, folder, account, rights=permissions)
        say(f"{view.account} may {view.rights or 'do nothing'} in {folder} of {owner}")

    asyncio.run(work())


def revoke(owner: str, folder: str, account: str, /, *, options: Options = DEFAULTS) -> None:
    """Take from somebody what he may do in a folder.

    Args:
        owner: Address of the account whose folder it is; ~public for a public folder.
        folder: Path of the folder.
        account: Address, @domain or *, as it was granted.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            await sharing.delete_named(owner, folder, account)
        say(f"revoked what {account} might do in {folder} of {owner}")

    asyncio.run(work())


def list_grants(owner: str, folder: str, /, *, json: Flag = False, options: Options = DEFAULTS) -> None:
    """List who may do what in a folder, beside its owner.

    Args:
        owner: Address of the account whose folder it is; ~public for a public folder.
        folder: Path of the folder.
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            views = await sharing.list_named(owner, folder)
        if json:
            _say_json([{"account": view.account, "permissions": list(view.rights)} for view in views])
        else:
            say_table([(view.account, view.rights) for view in views])

    asyncio.run(work())


def add_public(
    folder: str,
    /,
    *,
    account: str = "*",
    permissions: str = "lr",
    folder_type: Annotated[str, Parameter(name="--type")] = "mails",
    options: Options = DEFAULTS,
) -> None:
    """Make a public folder, and say who may do what in it.

    Args:
        folder: Its path; the folders above it must be there.
        account: Address of the account that may; @example.test for all of a domain; * for all accounts.
        permissions: Letters of lrswikxtea (RFC 4314); of others, and later, by postroom folder grant ~public.
        folder_type: What it holds: mails, events, tasks, notes or contacts; below another what that one holds.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            await sharing.add_public(folder, account=account, rights=permissions, kind=folder_type)
        say(f"added public folder {folder}")

    asyncio.run(work())


def list_public(*, json: Flag = False, options: Options = DEFAULTS) -> None:
    """List the public folders with what they hold.

    Args:
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            found = await sharing.list_public()
        if json:
            _say_json(
                [
                    {"path": path, "type": folder.folder_type, "totalItems": folder.total_items}
                    for path, folder in found
                ]
            )
        else:
            say_table([(path, folder.folder_type, str(folder.total_items)) for path, folder in found])

    asyncio.run(work())


def remove_public(folder: str, /, *, options: Options = DEFAULTS) -> None:
    """Remove a public folder with all that is in it and below it.

    Args:
        folder: Its path.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with _opened(options) as sharing:
            await sharing.remove_public(folder)
        say(f"removed public folder {folder}")

    asyncio.run(work())


def _say_json(value: object) -> None:
    from json import dumps  # noqa: PLC0415 (a parameter of the commands has the name of the module)

    say(dumps(value, indent=2))
