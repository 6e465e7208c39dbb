"""The helper process: does tasks that come in through its standard input, a socket, until that ends.

Run as ``python -m postroom.content.helper`` by :mod:`postroom.content.pool`, never by hand.
"""

import gc
import signal
import socket

from postroom.content.tasks import LENGTH, pack_frame, perform


def main() -> None:
    """Serve until the server closes its end."""
    # A terminal's Ctrl-C goes to all processes; the server ends this one when its own work is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # All that a task makes is gone with it.
    gc.freeze()
    with socket.socket(fileno=0) as wire:
        try:
            while (content := _receive(wire)) is not None:
                wire.sendall(_answer(content))
        except OSError:
            return


def _answer(content: bytearray) -> bytes:
    try:
        return perform(memoryview(content))
    except Exception:  # noqa: BLE001 - the server does it itself then, and tells of what goes wrong
        return pack_frame(b"")


def _receive(wire: socket.socket) -> bytearray | None:
    """Return the content of the next frame, None at the end."""
    head = _receive_exactly(wire, LENGTH.size)
    return None if head is None else _receive_exactly(wire, LENGTH.unpack(head)[0])


def _receive_exactly(wire: socket.socket, size: int) -> bytearray | None:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = wire.recv_into(view)
        if count == 0:
            return None
        view = view[count:]
    return received


if __name__ == "__main__":
    main()
