"""The helper process: does tasks that come in through its standard input, a socket, until that ends.

Run as ``python -m postroom.content.helper`` by :mod:`postroom.content.pool`, never by hand.
"""

import gc
import signal
import socket

from postroom.content.frames import pack_frame, receive_frame
from postroom.content.tasks import perform


def main() -> None:
    """Serve until the server closes its end."""
    # A terminal's Ctrl-C goes to all processes; the server ends this one when its own work is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # All that a task makes is gone with it.
    gc.freeze()
    with socket.socket(fileno=0) as wire:
        try:
            while (content := receive_frame(wire)) is not None:
                wire.sendall(_answer(content))
        except OSError:
            return


def _answer(content: bytearray) -> bytes:
    try:
        return perform(memoryview(content))
    except Exception:  # noqa: BLE001 - the server does it itself then, and tells of what goes wrong
        return pack_frame(b"")


if __name__ == "__main__":
    main()
