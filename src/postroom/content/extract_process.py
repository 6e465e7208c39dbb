"""The process that reads documents: ``python -m postroom.content.extract_process MEMORY_BYTES``.

Started by :mod:`postroom.content.extractor`, never by hand. Its standard input is a socket on which a task and a
message come in; what it answers are the documents that it begins, and at last what was found.

Documents come from strangers, and may make a reader loop, take all memory or crash. So before it reads anything, the
process gives up what it does not need: memory beyond a limit, files, other processes. And before each document it
sets alarms that nothing in it handles: the kernel ends it, even if the server is gone. They count the time that the
process computes, since a machine that is busy is no document's fault, and more generously the time that passes.
"""

import contextlib
import signal
import socket
import sys
import time

import msgspec

from postroom.content.confine import give_up_what_is_not_needed, set_alarms
from postroom.content.extract import Begun, Extracted, ExtractTask, extract
from postroom.content.frames import pack_frame, receive_frame
from postroom.model.mail import Part

_read_task = msgspec.msgpack.Decoder(ExtractTask).decode
_encode = msgspec.msgpack.Encoder().encode


def main() -> None:
    """Serve until the server closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_up_what_is_not_needed(int(sys.argv[1]))
    with socket.socket(fileno=0) as wire, contextlib.suppress(OSError):
        while (task := receive_frame(wire)) is not None:
            raw = receive_frame(wire)
            if raw is None:
                return
            _send(wire, _answer(wire, _read_task(task), bytes(raw)))
            set_alarms(0)


def _answer(wire: socket.socket, task: ExtractTask, raw: bytes) -> Extracted:
    end = time.monotonic() + task.message_seconds

    def begin(part: Part) -> None:
        _send(wire, Begun(part.id))
        set_alarms(task.document_seconds)

    set_alarms(task.message_seconds)
    return extract(raw, task, begin=begin, may_go_on=lambda: time.monotonic() < end)


def _send(wire: socket.socket, answer: Begun | Extracted) -> None:
    wire.sendall(pack_frame(_encode(answer)))


if __name__ == "__main__":
    main()
