"""The tasks that a helper process does, and how task and result are written on the way there and back.

Both ways go frames (:mod:`postroom.content.frames`) of MessagePack. Results come in the order of the tasks; an empty
frame says that a task failed. Results are decoded into fixed types and nothing else, because a helper reads what
strangers wrote.
"""

from typing import Any

import msgspec

from postroom.content.compose import Composed, ComposeTask, compose
from postroom.content.digest import Digest, digest_message
from postroom.content.frames import pack_frame
from postroom.content.show import Shown, ShowTask, show

MAX_SOURCE_BYTES = 256 * 1024
"""A larger message or part is not worth the way to a helper."""


class DigestTask(msgspec.Struct, array_like=True, tag="digest", frozen=True):
    """A raw message to be digested."""

    raw: bytes
    with_traits: bool = False


Task = DigestTask | ShowTask | ComposeTask

_task = msgspec.msgpack.Decoder(Task)
_encode = msgspec.msgpack.Encoder().encode
_results: dict[type, msgspec.msgpack.Decoder[Any]] = {
    DigestTask: msgspec.msgpack.Decoder(Digest),
    ShowTask: msgspec.msgpack.Decoder(Shown),
    ComposeTask: msgspec.msgpack.Decoder(Composed),
}


def encode_task(task: Task) -> bytes:
    """Return the frame of a task."""
    return pack_frame(_encode(task))


def perform(content: bytes | memoryview) -> bytes:
    """Return the frame of the result of the task in a frame. Raises: whatever the task fails with."""
    return pack_frame(_encode(_do(_task.decode(content))))


def _do(task: Task) -> Digest | Shown | Composed:
    if isinstance(task, DigestTask):
        return digest_message(task.raw, with_traits=task.with_traits)
    return show(task) if isinstance(task, ShowTask) else compose(task)


def decode_result(task: type[Task], content: bytes | memoryview) -> Any:
    """Return the result in a frame, of the type of the task's results.

    Raises: msgspec.ValidationError, msgspec.DecodeError.
    """
    return _results[task].decode(content)
