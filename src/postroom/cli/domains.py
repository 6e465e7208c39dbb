"""`postroom domain …`."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_directory
from postroom.cli.terminal import say, say_table


def add(name: str, /, *, alias_of: str = "", options: Options = DEFAULTS) -> None:
    """Add a domain, or an alias of one.

    Args:
        name: The domain, such as example.test.
        alias_of: The domain that the new one shall stand for.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            domain = await directory.add_domain(name, alias_of=alias_of)
        say(f"added {domain.name}" + (f", an alias of {domain.alias_of}" if domain.alias_of else ""))

    asyncio.run(work())


def list_all(*, json: Annotated[bool, Parameter(negative=())] = False, options: Options = DEFAULTS) -> None:
    """List the domains.

    Args:
        json: Write JSON.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            domains = await directory.list_domains()
        if json:
            from json import dumps  # noqa: PLC0415 (the parameter has the name of the module)

            say(dumps([{"name": domain.name, "aliasOf": domain.alias_of} for domain in domains], indent=2))
            return
        say_table(
            [(domain.name, f"alias of {domain.alias_of}" if domain.alias_of else "") for domain in domains]
        )

    asyncio.run(work())


def remove(name: str, /, *, options: Options = DEFAULTS) -> None:
    """Remove a domain that has no addresses left.

    Args:
        name: The domain or domain alias.
        options: Where the configuration is.
    """

    async def work() -> None:
        async with opened_directory(options.load_for_store()) as directory:
            await directory.remove_domain(name)
        say(f"removed {name}")

    asyncio.run(work())
