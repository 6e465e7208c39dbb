"""Where servers that are started listen."""

import socket
from pathlib import Path

import pytest

from postroom.bench import server
from postroom.bench.server import find_free_port

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not RANGE.exists(), reason="Linux alone tells which ports it gives out")
def test_ports_are_not_given_to_others() -> None:
    lowest = int(RANGE.read_text().split()[0])
    assert all(1024 <= find_free_port() < lowest for _ in range(50))


def test_ports_in_use_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    free = find_free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", find_free_port()))
        taken.listen()
        ports = [taken.getsockname()[1]] * 30 + [free]
        monkeypatch.setattr(server, "_PORTS", ports)
        assert find_free_port() == free
