"""Fetching logos by HTTPS: what is taken, what web servers may do wrong, and from where nothing is ever fetched."""

import gzip
import ssl
import time
import zlib

import pytest
from tests.protocol.logo_host import CERTIFICATE, DRIP, ENDLESS, HANG, SVG, LogoHost, answer, hosting

from postroom.app.logo_http import LogoFetcher
from postroom.domain.bimi_runner import Fetched

MAX_BYTES = 1000
TLS = ssl.create_default_context(cafile=str(CERTIFICATE))


class Names:
    """A name server."""

    def __init__(self, **hosts: list[str]) -> None:
        self.hosts = hosts
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host.partition(".")[0] not in self.hosts:
            raise OSError(f"{host} does not exist")
        return self.hosts[host.partition(".")[0]]


def fetcher(
    *, names: Names | None = None, seconds: float = 5, allow_private: bool = True, tls: ssl.SSLContext = TLS
) -> LogoFetcher:
    return LogoFetcher(
        names or Names(hook=["127.0.0.1"]),
        max_bytes=MAX_BYTES,
        seconds=seconds,
        allow_private=allow_private,
        tls=tls,
    )


async def fetch(data: bytes, *, seconds: float = 5) -> Fetched:
    async with hosting({"/logo.svg": data}) as host:
        return await fetcher(seconds=seconds).fetch(host.url())


async def test_a_logo() -> None:
    async with hosting() as host:
        assert await fetcher().fetch(host.url()) == Fetched(SVG)
        assert await fetcher().fetch(host.url(host="hook.test")) == Fetched(SVG)
    assert host.requests[1][0] == "GET /logo.svg HTTP/1.1"
    assert f"Host: hook.test:{host.port}" in host.requests[1]


def pack(data: bytes) -> bytes:
    """Compress without the time, which would give each process that collects tests others."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize("encoding", ["Content-Encoding: gzip", "Content-Encoding: X-GZIP", "X-A: b"])
async def test_compressed_logos(encoding: str) -> None:
    assert await fetch(answer(pack(SVG), encoding)) == Fetched(SVG)


TOO_LARGE = Fetched(None, "the file is too large", is_final=True)
BROKEN = Fetched(None, "the file cannot be unpacked", is_final=True)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (answer(b"x" * MAX_BYTES), Fetched(b"x" * MAX_BYTES)),
        (answer(b"x" * (MAX_BYTES + 1)), TOO_LARGE),
        (ENDLESS, TOO_LARGE),
        (answer(pack(b"x" * MAX_BYTES)), Fetched(b"x" * MAX_BYTES)),
        (answer(pack(b"x" * (MAX_BYTES + 1)), "Content-Encoding: gzip"), TOO_LARGE),
        # It would be 800 KiB.
        (answer(pack(b"\0" * 800_000), "Content-Encoding: gzip"), TOO_LARGE),
        (answer(pack(SVG)[:-9], "Content-Encoding: gzip"), BROKEN),
        (answer(pack(SVG)[:40]), BROKEN),
        (answer(b"plain", "Content-Encoding: gzip"), BROKEN),
        (
            answer(zlib.compress(SVG), "Content-Encoding: deflate"),
            Fetched(None, "the file is encoded in an unknown way", is_final=True),
        ),
        (answer(b"", "Content-Encoding: br", status=404), Fetched(None, "the answer was 404", is_final=True)),
    ],
)
async def test_sizes(data: bytes, outcome: Fetched) -> None:
    assert await fetch(data) == outcome


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(404, True), (410, True), (403, True), (408, False), (429, False), (500, False), (503, False)],
)
async def test_other_answers(status: int, is_final: bool) -> None:
    assert await fetch(answer(SVG, status=status)) == Fetched(
        None, f"the answer was {status}", is_final=is_final
    )


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304])
async def test_only_200_brings_a_file(status: int) -> None:
    found = await fetch(answer(b"" if status in {204, 304} else SVG, status=status))
    assert found.data is None


@pytest.mark.parametrize("data", [HANG, DRIP])
async def test_time_is_limited(data: bytes) -> None:
    started = time.monotonic()
    assert await fetch(data, seconds=0.4) == Fetched(None, "no file within 0.4 seconds")
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "data", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort", b"HTTP/1.1 200"]
)
async def test_answers_that_break(data: bytes) -> None:
    found = await fetch(data)
    assert found.data is None
    assert found.problem
    assert not found.is_final


async def test_nobody_listens() -> None:
    async with hosting() as host:
        pass
    found = await fetcher().fetch(host.url())
    assert (found.data, found.is_final) == (None, False)


# Redirections


def to(location: str, status: int = 302) -> bytes:
    return answer(b"", f"Location: {location}", status=status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirections(status: int) -> None:
    async with hosting() as host:
        host.answers |= {
            "/1": to(host.url("/2", host="hook.test"), status),
            "/2": to("3", status),
            "/3": to("/logo.svg#part", status),
        }
        assert await fetcher().fetch(host.url("/1")) == Fetched(SVG)
        assert host.paths == ["/1", "/2", "/3", "/logo.svg"]


async def test_redirections_are_counted() -> None:
    async with hosting() as host:
        host.answers["/1"] = to("/1")
        found = await fetcher().fetch(host.url("/1"))
        assert found == Fetched(None, "there are too many redirections", is_final=True)
        assert len(host.requests) == 4


async def test_redirections_go_to_https_alone() -> None:
    async with hosting() as host, hosting(is_tls=False) as plain:
        host.answers["/1"] = to(f"http://127.0.0.1:{plain.port}/logo.svg")
        found = await fetcher().fetch(host.url("/1"))
        assert found == Fetched(None, "the URL is not one of HTTPS", is_final=True)
        assert not plain.requests


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "https://",
        "https://a:b@c.example/",
        "https://[",
        "https://[x]/",
        "https://a:x/",
        "\xff\xfe",
    ],
)
async def test_redirections_to_what_is_no_url(location: str) -> None:
    async with hosting() as host:
        host.answers["/1"] = to(location)
        found = await fetcher().fetch(host.url("/1"))
        assert (found.data, found.is_final) == (None, True)


# Where nothing is fetched from

REFUSED = Fetched(None, "the host has no address that requests for logos may go to")


async def ask(host: LogoHost, name: str, names: Names) -> Fetched:
    found = await fetcher(names=names, allow_private=False).fetch(host.url(host=name))
    assert not host.requests
    return found


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fe80::1"]
)
async def test_private_addresses(address: str) -> None:
    async with hosting() as host:
        assert await ask(host, "hook.test", Names(hook=[address])) == REFUSED
        literal = f"[{address}]" if ":" in address else address
        found = await ask(host, literal, Names())
        assert (found.data, found.is_final) == (None, True)


async def test_a_name_is_resolved_once() -> None:
    """The address that was checked is the one that is used."""
    names = Names(hook=["127.0.0.1"])
    async with hosting() as host:
        assert await fetcher(names=names).fetch(host.url(host="hook.test")) == Fetched(SVG)
    assert names.asked == ["hook.test"]


async def test_redirections_to_private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address is checked: here the first host's may be connected to, and it leads elsewhere."""

    def may_connect(address: object, *, allow_private: bool) -> bool:
        return str(address) == "127.0.0.1"

    monkeypatch.setattr("postroom.app.webhook_http.may_connect", may_connect)
    names = Names(hook=["127.0.0.1"], other=["10.0.0.1"])
    async with hosting() as host:
        host.answers["/1"] = to("https://other.test/logo.svg")
        found = await fetcher(names=names, allow_private=False).fetch(host.url("/1", host="hook.test"))
    assert found == REFUSED
    assert names.asked == ["hook.test", "other.test"]


async def test_names_that_are_not_there() -> None:
    found = await fetcher().fetch("https://nowhere.test/logo.svg")
    assert found == Fetched(None, "nowhere.test does not exist")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/logo.svg", "file:///etc/passwd", "", "https://a b/", "//x"]
)
async def test_other_urls(url: str) -> None:
    found = await fetcher().fetch(url)
    assert (found.data, found.is_final) == (None, True)


async def test_certificates_are_verified() -> None:
    async with hosting() as host:
        found = await fetcher(tls=ssl.create_default_context()).fetch(host.url())
        assert "certificate is not valid" in found.problem
        names = Names(other=["127.0.0.1"])
        found = await fetcher(names=names).fetch(host.url(host="other.test"))
        assert "certificate is not valid" in found.problem
        assert not host.requests


async def test_tls_where_there_is_none() -> None:
    async with hosting(is_tls=False) as host:
        found = await fetcher(seconds=1).fetch(host.url())
        assert found.data is None
