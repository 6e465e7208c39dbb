"""What changed in the API, newest version first, shown at ``/api/docs`` and in ``docs/api-changes.md``.

A version has three numbers: the first grows when programs must be changed, the second when something is added, the
third when a fault is mended. A program that knows nothing of additions goes on working.
"""

from typing import NamedTuple


class Version(NamedTuple):
    """A version and what is new in it, in sentences."""

    number: str
    changes: tuple[str, ...]


CHANGES = (
    Version(
        "1.0.0",
        (
            "The calls of the Axigen Mailbox API v1, as docs/compatibility.md compares them.",
            "Beyond it: deltas that never lose anything, counters of all folders and labels, waiting for a change, "
            "event streams and webhooks, history and undo of any operation, calls made once by Idempotency-Key, "
            "app passwords and badge tokens, shared folders, vCards, suggestions for searches.",
        ),
    ),
)
