"""The tables of a store, as the database itself tells them: nothing that is added to the schema is forgotten.

What is derived or told otherwise is no part of the stream of rows: the full-text index (made anew from the messages),
and the list of migrations (the number of the schema stands for it).

:data:`IN_ACCOUNT` says of each table what becomes of its rows where a single account is restored into a store that
has others. A test compares it with the catalogue.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from postroom.store.engine.base import Connection, Engine

_DERIVED: Final = ("fulltext", "schema_migration")
"""What the names of tables begin with that are no part of the stream."""

UPLOADS: Final = "temporary_attachment"
"""Files that a session has uploaded and no draft was saved with yet; backups leave them out with their rows."""


class Table(NamedTuple):
    """A table: its columns in their order, and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    def place(self, column: str) -> int:
        """Return where a column is in a row, -1 if there is none."""
        return self.columns.index(column) if column in self.columns else -1


async def read_catalogue(engine: Engine, connection: Connection) -> dict[str, Table]:
    """Return the tables whose rows make up the store, by name. Raises: unavailable."""
    found: dict[str, list[tuple[str, int]]] = {}
    for table, column, place in await connection.fetch_all(engine.list_columns_sql):
        if not str(table).startswith(_DERIVED):
            found.setdefault(str(table), []).append((str(column), int(place)))
    return {
        name: Table(
            name,
            # In an order of their own: that of a table which was added to is not the same in every store.
            tuple(sorted(column for column, _ in columns)),
            tuple(column for place, column in sorted((place, column) for column, place in columns) if place),
        )
        for name, columns in sorted(found.items())
    }


class Fate(Enum):
    """What becomes of a table's rows where one account is restored."""

    KEPT = "kept"
    LAST = "last"
    """Kept; written in the transaction that makes the account visible, since background work looks for these rows."""
    LEFT = "left"
    """Left out: of others, of the server, or of what ended with the old account."""


IN_ACCOUNT: Final[Mapping[str, Fate]] = {
    **dict.fromkeys(
        (
            "account_setting",
            "avatar",
            "contact",
            "contact_address",
            "contact_avatar",
            "contact_letters",
            "contact_word",
            "content",
            "conversation",
            "conversation_folder",
            "doomed_label",
            "draft",
            "filter_entry",
            "filter_setting",
            "folder",
            "folder_label",
            "folder_past",
            "history_mark",
            "known_address",
            "label",
            "mail",
            "operation",
            "order_chunk",
            "past_password",
            "profile",
            "reference_key",
            "security_event",
            "security_log",
            "signature",
            "subject_key",
            "tombstone",
            "vacation",
            "vacation_answered",
        ),
        Fate.KEPT,
    ),
    **dict.fromkeys(
        (
            "account",
            "address",
            "doomed_folder",
            "extraction",
            "folder_clearing",
            "mailbox",
            "mailbox_visit",
            "quota_notice",
            "rethreaded_folder",
        ),
        Fate.LAST,
    ),
    **dict.fromkeys(
        (
            "access_token",  # secrets that must not let anybody into a second account
            "bimi_logo",
            "bimi_record",
            "bimi_waiting",
            "domain",
            "event_ticket",
            "failed_login",
            "folder_grant",  # the numbers of readers are those of the old store
            "folder_reader",
            "job",
            "job_failure",
            "job_slice",
            "meta",
            "outgoing",  # what was sent would be sent once more
            "outgoing_group",
            "outgoing_recipient",
            "password_recovery",
            "reader_mark",
            "recovery_code",
            "released_blob",
            "remembered_call",
            "search_change",
            "search_content",
            "search_folder",
            "second_step",
            "security_method",  # sealed for the number of the old account
            "security_token",
            "session",
            "temporary_alias",
            UPLOADS,
            "two_factor",
            "used_captcha",
            "webhook",  # its number is the store's
        ),
        Fate.LEFT,
    ),
}
"""What becomes of each table's rows where one account is restored."""
