"""Frames, in which tasks and results go between processes: four bytes of length, big-endian, and the content."""

import socket
import struct

LENGTH = struct.Struct(">I")


def pack_frame(content: bytes) -> bytes:
    """Return a frame."""
    return LENGTH.pack(len(content)) + content


def receive_frame(wire: socket.socket) -> bytearray | None:
    """Wait for the next frame and return its content, None at the end. Raises: OSError."""
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
