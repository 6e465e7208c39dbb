"""The name of this machine; a module of its own, since servers need it that send nothing."""

import socket


def get_machine_name() -> str:
    """Return the machine's name as far as it can be given to other servers."""
    name = socket.getfqdn().rstrip(".")
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "localhost"
