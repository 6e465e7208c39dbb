"""Section ``[store]``: where mailboxes are kept."""

from dataclasses import dataclass

from postroom.config.options import option


def _check_url(url: str) -> None:
    if url != "sqlite:" and not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be sqlite: or postgresql://user:password@host/database")


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
