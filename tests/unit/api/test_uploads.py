"""Bodies of uploads, however they are cut, and whatever they hold."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postroom.api.uploads import _Files
from postroom.domain.uploads import Staging
from postroom.errors import PostroomError
from postroom.model.ids import AccountId

HEAD = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
FEW = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
MAX_BYTES = 10_000


class Writer:
    """Takes a file in memory."""

    def __init__(self, content: bytearray) -> None:
        self.content = content

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    async def write(self, data: bytes) -> None:
        self.content += data

    async def finish(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Place:
    """Stands for a store: what is uploaded stays in memory."""

    def __init__(self) -> None:
        self.contents: dict[bytes, bytearray] = {}

    @property
    def uploads(self) -> "Place":
        return self

    def create(self, _: AccountId, name: bytes) -> Writer:
        return Writer(self.contents.setdefault(name, bytearray()))


async def parse(pieces: list[bytes]) -> list[tuple[str, str, bytes]] | PostroomError:
    """Return name, type and content of each file of a body that comes in pieces."""
    place = Place()
    staging = Staging(place, AccountId(1), max_files=9, max_bytes=MAX_BYTES, on_close=lambda: None)  # type: ignore[arg-type]
    files = _Files(staging, "b", MAX_BYTES)
    try:
        for piece in pieces:
            await files.feed(piece)
        files.finish()
    except PostroomError as error:
        return error
    return [
        (one.head.name, one.head.content_type, bytes(place.contents[one.blob_name])) for one in staging.files
    ]


CONTENTS = st.binary(max_size=60) | st.sampled_from(
    [b"\r\n--", b"\r\n--a", b"--b", b"--b--", b"\r", b"\r\n\r\n"]
)


@FEW
@given(st.lists(CONTENTS, min_size=1, max_size=4), st.lists(st.integers(1, 600), max_size=30))
async def test_files_are_what_was_sent_however_it_is_cut(contents: list[bytes], cuts: list[int]) -> None:
    contents = [content.replace(b"\r\n--b", b"") for content in contents]
    body = b"".join(b"--b\r\n%b%b\r\n" % (HEAD, content) for content in contents) + b"--b--\r\n"
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[start:end] for start, end in pairwise(places)]
    assert await parse(pieces) == [("a.txt", "text/plain", content) for content in contents]


WORDS = (
    b'--b|\r\n|--b--|Content-Disposition: form-data|; name=|; filename=|"|\n|: |\xff|Content-Type: |text/plain|'
    b"Content-Length: 5| |\t|filename*=UTF-8''%|\\|=|;|a"
)
TOKENS = st.sampled_from([*WORDS.split(b"|"), HEAD])


@FEW
@given(st.lists(TOKENS | st.binary(min_size=1, max_size=5), max_size=40))
async def test_garbage_is_refused_or_read(pieces: list[bytes]) -> None:
    for tried in (pieces, [b"".join(pieces) or b"x"], [b"--b\r\n", *pieces, b"\r\n--b--"]):
        found = await parse(tried)
        assert isinstance(found, list) or found.code in {"badParameter", "payloadTooLarge"}


async def test_a_limit_of_all_files_together() -> None:
    part = b"--b\r\n" + HEAD + b"x" * (MAX_BYTES // 2) + b"\r\n"
    assert isinstance(await parse([part * 2, b"--b--"]), list)
    found = await parse([part * 2, part, b"--b--"])
    assert isinstance(found, PostroomError)
    assert (found.code, found.details) == ("payloadTooLarge", {"limit": MAX_BYTES})
