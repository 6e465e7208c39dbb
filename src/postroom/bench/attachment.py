"""A 50 MB attachment, delivered and downloaded, with the server's memory watched.

Two figures are taken. *Resident* is the kernel's own peak (VmHWM), set back before each step: no sample can miss
it, but it holds the pages of mapped files too, which the kernel takes back when it needs them. *Own* memory
(RssAnon), which it cannot take back, has no such peak and is sampled every few milliseconds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from postroom.bench._pools import encode_base64
from postroom.bench.api_client import mail_path, mails_path
from postroom.bench.load import HTTPLoad, run_http
from postroom.bench.results import Goal, Measurement, make_figure
from postroom.bench.scenarios import Scene

_MEGABYTE = 1_000_000
_DOWNLOADS = 5
_PIECE_BYTES = 57 * 20_000
_MEMORY_GOAL = Goal(20, at_most=True)
_SAMPLE_SECONDS = 0.003


def make_large_message(attachment_bytes: int, *, to: str) -> bytes:
    """Return a message with one attachment of ``attachment_bytes`` pseudo-random bytes."""
    # One random piece over and over: it is not the content that is measured, and making 50 MB takes seconds.
    piece = Random(50).randbytes(_PIECE_BYTES)  # noqa: S311 -- meant to be predictable
    encoded = encode_base64(piece) * (attachment_bytes // _PIECE_BYTES)
    encoded += encode_base64(piece[: attachment_bytes % _PIECE_BYTES])
    head = (
        f"From: Sender <sender@example.net>\r\nTo: <{to}>\r\nSubject: A large attachment\r\n"
        "Message-ID: <large@bench.example.net>\r\nDate: Mon, 01 Jan 2024 08:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="=_large"\r\n\r\n--=_large\r\n'
        "Content-Type: text/plain\r\n\r\nAs agreed.\r\n--=_large\r\n"
        'Content-Type: application/octet-stream; name="large.bin"\r\nContent-Transfer-Encoding: base64\r\n'
        'Content-Disposition: attachment; filename="large.bin"\r\n\r\n'
    )
    return b"".join([head.encode(), encoded, b"--=_large--\r\n"])


def measure_attachment(scene: Scene) -> None:
    """Deliver the attachment over LMTP, download it several times, and tell speed and memory of both."""
    size = scene.options.attachment_bytes
    message = make_large_message(size, to=scene.mailbox.address)
    with _memory_watched(scene, "up"):
        result = scene.mailbox.deliver([message], connections=1)
    scene.take(_speed("up (LMTP)", len(message) / result.seconds, result.unexpected("250")))

    newest = scene.api.call("GET", mails_path(scene.inbox_id, sort="date", dir="DESC", limit=1))["items"][0]
    path = mail_path(newest["id"], f"attachments/{newest['attachments'][0]['id']}/download")
    with _memory_watched(scene, "down"):
        load = HTTPLoad(paths=[path], connections=1, requests=_DOWNLOADS, headers=scene.api.headers)
        result = run_http(scene.server.host, scene.server.port, load)
    short = result.bytes_in < _DOWNLOADS * size
    scene.take(_speed("down (HTTP)", result.bytes_in / result.seconds, result.unexpected("200") + short))


@contextmanager
def _memory_watched(scene: Scene, direction: str) -> Iterator[None]:
    """Take the figures of how far the server's memory rose above what it was, while the block ran."""
    server = scene.server
    server.reset_peak()
    resident, own = server.resident_bytes(), server.own_bytes()
    highest = [own]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            highest[0] = max(highest[0], server.own_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()
    peak = server.peak_resident_bytes()
    scene.take(_memory(f"{direction}, more own memory", highest[0] - own, _MEMORY_GOAL))
    scene.take(_memory(f"{direction}, more resident, mapped files included", peak - resident, None))


def _memory(name: str, more_bytes: int, goal: Goal | None) -> Measurement:
    return make_figure("attachment", name, unit="MB", repeats=[more_bytes / _MEGABYTE], goal=goal)


def _speed(name: str, bytes_per_second: float, failures: int) -> Measurement:
    value = bytes_per_second / _MEGABYTE
    return Measurement(
        group="attachment", name=name, unit="MB/s", value=value, repeats=(value,), failures=failures
    )
