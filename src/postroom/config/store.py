"""Section ``[store]``: where mailboxes are kept."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from postroom.config.options import option

_HOST = re.compile(r"(?:\[[^\[\]@,]+\]|[^\[\]:@,]*)(?::[0-9]{1,5})?")
"""A host and a port, each of which may be missing; several may stand in a URL, with commas between them."""


def _check_url(url: str) -> None:
    if url == "sqlite:":
        return
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be sqlite: or postgresql://user:password@host/database")
    try:
        credentials, at, hosts = urlsplit(url).netloc.partition("@")
        is_whole = all(_HOST.fullmatch(host) for host in (hosts if at else credentials).split(","))
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError(
            "must be postgresql://user:password@host:port/database, in user and password with %40 for @, %2F for /, "
            "%3A for : and %25 for %"
        )


@dataclass(frozen=True)
class StoreConfig:
    """Options of the database."""

    url: str = option(
        "sqlite:",
        "The database: sqlite: (a file in data_dir) or postgresql://user:password@host/database.",
        check=_check_url,
    )
    inline_limit_bytes: int = option(
        65_536,
        "Compressed messages up to this size are kept in the database, larger ones in the blob store.",
        unit="bytes",
        minimum=0,
        maximum=16_777_216,
    )
    pool_size: int = option(10, "Connections to PostgreSQL, for each process.", minimum=2, maximum=1000)
