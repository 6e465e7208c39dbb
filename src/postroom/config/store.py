"""Section ``[store]``: where mailboxes are kept."""

from dataclasses import dataclass

from postroom.config.options import option, url_check


@dataclass(frozen=True)
class StoreConfig:
    """Options of the database."""

    url: str = option(
        "sqlite:",
        "The database: sqlite: (a file in data_dir), sqlite:/path, or postgresql://user:password@host/database.",
        check=url_check(
            "sqlite:", "postgresql:", "postgres:", example="postgresql://user:password@host/name"
        ),
    )
    inline_limit_bytes: int = option(
        65_536,
        "Compressed messages up to this size are kept in the database, larger ones in the blob store.",
        unit="bytes",
        minimum=0,
        maximum=16_777_216,
    )
    pool_size: int = option(10, "Connections to PostgreSQL, for each process.", minimum=2, maximum=1000)
    reader_threads: int = option(
        2, "Threads for reads that take long, each with its own SQLite connection.", minimum=1, maximum=64
    )
    group_commit_transactions: int = option(
        128, "At most so many transactions share one commit of SQLite.", minimum=1, maximum=10_000
    )
