"""Every awkward message can be listed, opened and downloaded by the API, whatever its errors."""

import base64
import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from postroom.api.settings import APISettings
from postroom.config.classes import AccountClass
from postroom.store import open_store
from tests.api.world import User, make_world
from tests.corpus.awkward import corpus_files

FILES = corpus_files()
PATH = "/api/v1/mails"

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus is not here")


@pytest.fixture
async def user(tmp_path: Path) -> AsyncIterator[User]:
    """An account; one engine will do, as the store keeps bytes as they are."""
    store = await open_store("sqlite:", tmp_path)
    world = await make_world(store, APISettings(), {"default": AccountClass()})
    yield await world.add_account("ann@example.test")
    await world.close()
    await store.close()


def numbers(part: dict[str, Any]) -> Iterator[int]:
    """Yield the ids of a part and all below it."""
    yield part["id"]
    for child in part["parts"]:
        yield from numbers(child)


async def download(user: User, path: str) -> bytes:
    response = await user.client.get(f"{PATH}/{path}")
    assert response.status_code == 200, path
    head = await user.client.head(f"{PATH}/{path}")
    assert head.headers["content-length"] == str(len(response.content)), path
    return response.content


@pytest.mark.parametrize("name", FILES)
async def test_awkward_message(user: User, name: str) -> None:
    raw = FILES[name].read_bytes()
    # Some would go to Spam.
    await user.client.post("/api/v1/account/avas/filters/onoff/preset", json={"preset": "off"})
    mail_id = await user.deliver(raw)
    listed = await user.get(PATH, folderId=user.inbox)
    assert listed["items"] == [await user.get(f"{PATH}/{mail_id}")]
    [mail] = listed["items"]

    source = await download(user, f"{mail_id}/source")
    assert raw in source
    assert len(source) == mail["size"]
    assert source.startswith(await download(user, f"{mail_id}/headers"))

    for kind in ("html", "text"):
        body = await user.get(f"{PATH}/{mail_id}/body", type=kind)
        whole = (await download(user, f"{mail_id}/body/full?type={kind}")).decode("utf-8")
        assert body["isTruncated"] or base64.b64decode(body["data"]).decode("utf-8") == whole

    parts = list(numbers(await user.get(f"{PATH}/{mail_id}/parts")))
    assert parts == list(range(len(parts)))
    data = await user.get(f"{PATH}/{mail_id}/parts/details", partIds=",".join(map(str, parts)))
    assert [one["id"] for one in data["items"]] == parts
    for number in parts:
        await download(user, f"{mail_id}/parts/{number}/details/full")

    for one in mail["attachments"]:
        content = await download(user, f"{mail_id}/attachments/{one['id']}")
        assert len(content) == one["size"]
        await download(user, f"{mail_id}/attachments/{one['id']}/thumbnail")
        if one["contentType"] == "message/rfc822":
            inner = await user.get(f"{PATH}/{mail_id}/attachments/{one['id']}/eml")
            for nested in inner["attachments"]:
                await download(user, f"{mail_id}/attachments/{one['id']}/eml/attachments/{nested['id']}")
    with zipfile.ZipFile(io.BytesIO(await download(user, f"{mail_id}/attachments/download"))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == sum(not one["isInline"] for one in mail["attachments"])
