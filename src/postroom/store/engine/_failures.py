"""What SQLite fails with, and what the store says of it."""

import apsw

from postroom.errors import PostroomError, unavailable

TEMPORARY = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.ReadOnlyError,
    apsw.ConnectionClosedError,
)


def mapped(error: BaseException) -> PostroomError:
    """Return ``unavailable`` for a failure that may pass, or that was another's."""
    return unavailable("the mail store cannot be written or read just now", private=repr(error))


def closed() -> PostroomError:
    return unavailable("the mail store is being closed")
