"""Fields on top of a message: its digest is as if the message had come with them."""

import mmap
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.awkward import corpus_files

from postroom.bench.corpus import iter_messages
from postroom.content.digest import digest_message
from postroom.content.heading import put_on_top
from postroom.mime.raw import Raw

FIELDS = b"X-Postroom-Filter: 4 Dangerous attachments\r\n"
_LINES = st.sampled_from(
    [
        b"X-Postroom-Filter: forged\r\n",
        b"x-postroom-filter :\r\n",
        b" folded\r\n",
        b"Subject: x\r\n",
        b"Message-ID: <1@a.test>\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"UmU6IHg=\r\n",
        b"no field\r\n",
        b"\n",
    ]
)


def check(raw: Raw, fields: bytes = FIELDS) -> bytes:
    """Put fields on top; return the message with them."""
    digest = digest_message(raw, with_traits=True)
    assert digest.traits is not None
    headed = put_on_top(raw, digest, fields)
    whole = headed.raw[:]
    assert whole.startswith(fields)
    assert len(whole) == len(fields) + len(raw)
    if not digest.traits.has_filter_field:
        assert whole == fields + raw[:]
    assert headed.digest == digest_message(whole)._replace(traits=digest.traits)
    return whole


@pytest.mark.parametrize("path", corpus_files().values(), ids=corpus_files().keys())
def test_awkward_messages(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123
        check(file.read())


def test_usual_messages() -> None:
    for raw in iter_messages(200, seed=7):
        check(raw)
        check(raw, b"")


@given(st.lists(_LINES, max_size=30).map(b"".join))
def test_any_messages(raw: bytes) -> None:
    whole = check(raw)
    again = digest_message(whole[len(FIELDS) :], with_traits=True)
    assert again.traits is not None
    assert not again.traits.has_filter_field


@pytest.mark.parametrize("name", [b"X-Postroom-Filter", b"x-postroom-FILTER", b"X-POSTROOM-FILTER \t"])
def test_what_was_forged_is_renamed(name: bytes) -> None:
    raw = (
        b"Subject: x\r\n"
        + name
        + b": 1\r\n"
        + name
        + b":\r\n 2\r\nX-Postroom-Filters: 3\r\n\r\n"
        + name
        + b": 4\r\n"
    )
    new = name.lower().replace(b"x-postroom-filter", b"X-Original-Filter")
    assert check(raw) == FIELDS + raw.replace(name, new, 2)


def test_large_messages() -> None:
    raw = b"X-Postroom-Filter: forged\r\nMessage-ID: <1@a.test>\r\n\r\n" + b"text\r\n" * 700_000
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert check(mapped) == FIELDS + raw.replace(b"Postroom", b"Original", 1)
