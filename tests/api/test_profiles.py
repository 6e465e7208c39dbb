"""Contact information, the addresses of an account, and its picture."""

import io
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from postroom.domain.directory import AccountSettings
from postroom.domain.profiles import MAX_AVATAR_BYTES, MAX_NAME_CHARACTERS
from tests.api.world import User, World

CONTACT_INFO = "/api/v1/account/contactinfo"
ALIASES = "/api/v1/account/aliases"
AVATAR = "/api/v1/account/avatar"
INFO = "/api/v1/account/info"
EMPTY = dict.fromkeys(("title", "firstName", "middleName", "lastName", "suffix", "personalEmailAddress"), "")
WHOLE = {
    "title": "Dr.",
    "firstName": "Anna Maria",
    "middleName": "Q.",
    "lastName": "Müller-Lüdenscheidt",
    "suffix": "PhD",
    "personalEmailAddress": "anna@example.org",
}


# Contact information


async def set_info(user: User, body: dict[str, Any]) -> None:
    response = await user.client.put(CONTACT_INFO, json=body)
    assert (response.status_code, response.content) == (200, b""), response.text


async def full_name(user: User) -> str:
    return str((await user.get(INFO))["fullName"])


async def test_contact_information(ann: User) -> None:
    assert await ann.get(CONTACT_INFO) == EMPTY
    await set_info(ann, WHOLE)
    assert await ann.get(CONTACT_INFO) == WHOLE
    await set_info(ann, {"title": "Prof."})
    assert await ann.get(CONTACT_INFO) == EMPTY | {"title": "Prof."}
    await set_info(ann, {})
    assert await ann.get(CONTACT_INFO) == EMPTY


async def test_a_name_becomes_the_full_name(world: World, ann: User) -> None:
    assert await full_name(ann) == "Ann Example"
    await set_info(ann, {"personalEmailAddress": "a@example.org", "title": "Dr."})
    assert await full_name(ann) == "Ann Example"
    await set_info(ann, WHOLE)
    assert await full_name(ann) == "Anna Maria Q. Müller-Lüdenscheidt"
    mail = (await ann.client.post("/api/v1/mails", json={"to": "carl@example.org"})).json()
    assert mail["from"] == "Anna Maria Q. Müller-Lüdenscheidt <ann@example.test>"
    # Whoever sets it last decides; what is saved unchanged changes nothing.
    await world.directory.set_account("ann@example.test", AccountSettings(full_name="A. Miller"))
    await set_info(ann, WHOLE | {"suffix": ""})
    assert await full_name(ann) == "A. Miller"
    await set_info(ann, WHOLE | {"middleName": ""})
    assert await full_name(ann) == "Anna Maria Müller-Lüdenscheidt"
    await set_info(ann, {})
    assert await full_name(ann) == "Anna Maria Müller-Lüdenscheidt"


async def test_a_new_name_ends_no_session(ann: User) -> None:
    sessid = (await ann.client.post("/api/v1/login")).json()["sessid"]
    headers = {"X-Axigen-Session": sessid}
    response = await ann.client.put(CONTACT_INFO, json=WHOLE, headers=headers)
    assert response.status_code == 200
    response = await ann.client.get(INFO, headers=headers)
    assert response.json()["fullName"] == "Anna Maria Q. Müller-Lüdenscheidt"


@pytest.mark.parametrize("field", list(EMPTY))
async def test_bad_contact_information(ann: User, field: str) -> None:
    values: list[Any] = [
        "a\nb",
        "a\rBcc: x@y.test",
        "\0",
        "a\u2028b",
        "x" * 321,
        7,
        None,
        ["x"],
        "x" * 100_000,
    ]
    if field == "personalEmailAddress":
        values += [
            "x",
            "a@",
            "@b",
            "Ann <a@example.org>",
            "a@example.org, b@example.org",
            "a@b..c",
            "a b@c.d",
        ]
    for value in values:
        response = await ann.client.put(CONTACT_INFO, json=WHOLE | {field: value})
        assert (response.status_code, response.json()["details"]) == (400, {"parameter": field}), value
    lone = f'{{"{field}": "\\ud800"}}'.encode()
    assert (await ann.client.put(CONTACT_INFO, content=lone)).status_code == 400
    assert (await ann.client.put(CONTACT_INFO, json={"nick": "x"})).json()["details"] == {"parameter": "nick"}
    assert await ann.get(CONTACT_INFO) == EMPTY


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["title", "firstName", "middleName", "lastName", "suffix"]),
        st.text(
            st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")),
            max_size=MAX_NAME_CHARACTERS + 1,
        ),
    )
)
async def test_any_name(ann: User, given_fields: dict[str, str]) -> None:
    response = await ann.client.put(CONTACT_INFO, json=given_fields)
    if response.status_code == 400:
        parameter = response.json()["details"]["parameter"]
        # Only normalising makes more of less.
        assert len(given_fields[parameter]) > MAX_NAME_CHARACTERS / 4
        return
    found = await ann.get(CONTACT_INFO)
    await set_info(ann, found)
    assert await ann.get(CONTACT_INFO) == found
    assert len(await full_name(ann)) <= 255


async def test_the_longest_names(ann: User) -> None:
    long = "x" * MAX_NAME_CHARACTERS
    await set_info(ann, {"firstName": long, "middleName": long, "lastName": long})
    assert len(await full_name(ann)) <= 255


async def test_contact_information_is_revalidated(ann: User) -> None:
    tag = (await ann.client.get(CONTACT_INFO)).headers["etag"]
    assert (await ann.client.get(CONTACT_INFO, headers={"If-None-Match": tag})).status_code == 304
    await set_info(ann, WHOLE)
    assert (await ann.client.get(CONTACT_INFO, headers={"If-None-Match": tag})).status_code == 200


async def test_a_key_sets_it_once(ann: User) -> None:
    headers = {"Idempotency-Key": "one"}
    assert (await ann.client.put(CONTACT_INFO, json=WHOLE, headers=headers)).status_code == 200
    await set_info(ann, {"firstName": "Later"})
    again = await ann.client.put(CONTACT_INFO, json=WHOLE, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await ann.get(CONTACT_INFO))["firstName"] == "Later"
    assert (await ann.client.put(CONTACT_INFO, json={}, headers=headers)).status_code == 409


# Addresses


async def test_addresses(world: World, ann: User) -> None:
    main = [{"emailAddress": "ann@example.test", "type": "mainAddress"}]
    assert (await ann.get(ALIASES))["items"] == main
    await world.directory.add_domain("other.test")
    await world.directory.set_account(
        "ann@example.test", AccountSettings(aliases=["info@example.test", "ann@other.test"])
    )
    aliases = [
        {"emailAddress": "ann@other.test", "type": "accountAlias"},
        {"emailAddress": "info@example.test", "type": "accountAlias"},
    ]
    assert (await ann.get(ALIASES))["items"] == main + aliases
    await world.directory.add_domain("alias.test", alias_of="example.test")
    await world.directory.add_domain("Bücher.test", alias_of="other.test")
    await ann.client.post("/api/v1/account/temporaryaliases")
    found = await ann.get(ALIASES)
    assert found["items"] == main + aliases + [
        {"emailAddress": "ann@alias.test", "type": "domainAlias"},
        {"emailAddress": "ann@xn--bcher-kva.test", "type": "accountAndDomainAlias"},
        {"emailAddress": "info@alias.test", "type": "accountAndDomainAlias"},
    ]
    # All of them are where mail for the account goes, and where it may come from.
    for one in found["items"]:
        address = one["emailAddress"]
        recipient = await world.domain.ingest.resolve_recipient(address, size_bytes=None)
        assert recipient.account_id == ann.account.account_id
        letter = {"from": address, "to": "carl@example.org"}
        assert (await ann.client.post("/api/v1/mails", json=letter)).status_code == 200


async def test_addresses_are_revalidated(world: World, ann: User) -> None:
    tag = (await ann.client.get(ALIASES)).headers["etag"]
    assert (await ann.client.get(ALIASES, headers={"If-None-Match": tag})).status_code == 304
    await world.directory.add_domain("alias.test", alias_of="example.test")
    assert (await ann.client.get(ALIASES, headers={"If-None-Match": tag})).status_code == 200


# The picture


def image(size: tuple[int, int] = (40, 30), *, mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 1).save(out, kind, **options)
    return out.getvalue()


async def put(user: User, data: bytes, **options: Any) -> httpx.Response:
    return await user.client.put(AVATAR, files={"avatar": ("me.png", data, "image/png")}, **options)


async def set_avatar(user: User, data: bytes) -> None:
    response = await put(user, data)
    assert (response.status_code, response.content) == (200, b""), response.text


async def shown(user: User) -> Image.Image:
    response = await user.client.get(AVATAR)
    assert response.status_code == 200
    found = Image.open(io.BytesIO(response.content))
    found.load()
    assert response.headers["content-type"] == f"image/{(found.format or '').lower()}"
    return found


async def test_there_is_none_at_first(ann: User) -> None:
    for method in ("GET", "HEAD"):
        assert (await ann.client.request(method, AVATAR)).status_code == 404
    assert (await ann.client.delete(AVATAR)).status_code == 200


async def test_a_picture_is_set_and_removed(ann: User, ben: User) -> None:
    await set_avatar(ann, image((1024, 512)))
    found = await shown(ann)
    assert (found.format, found.size) == ("JPEG", (512, 256))
    assert (await ben.client.get(AVATAR)).status_code == 404
    await set_avatar(ann, image((10, 20), mode="RGBA"))
    found = await shown(ann)
    assert (found.format, found.size) == ("PNG", (10, 20))
    response = await ann.client.delete(AVATAR)
    assert (response.status_code, response.content) == (200, b"")
    assert (await ann.client.get(AVATAR)).status_code == 404


async def test_it_is_a_download(ann: User) -> None:
    await set_avatar(ann, image())
    whole = await ann.client.get(AVATAR)
    head = await ann.client.head(AVATAR)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]
    assert whole.headers["x-content-type-options"] == "nosniff"
    part = await ann.client.get(AVATAR, headers={"Range": "bytes=2-9"})
    assert (part.status_code, part.content) == (206, whole.content[2:10])
    beyond = await ann.client.get(AVATAR, headers={"Range": "bytes=99999-"})
    assert beyond.status_code == 416
    same = await ann.client.get(AVATAR, headers={"If-None-Match": whole.headers["etag"]})
    assert same.status_code == 304
    await set_avatar(ann, image((41, 31)))
    other = await ann.client.get(AVATAR, headers={"If-None-Match": whole.headers["etag"]})
    assert other.status_code == 200


async def test_nothing_of_the_file_is_left(ann: User) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif[0x0112] = 6  # to be turned
    for kind in ("JPEG", "PNG", "WEBP"):
        data = image((40, 30), kind=kind, exif=exif) + b"<script>alert(1)</script>"
        await set_avatar(ann, data)
        response = await ann.client.get(AVATAR)
        assert b"secret" not in response.content
        assert b"script" not in response.content
        found = await shown(ann)
        assert found.size == (30, 40)
        assert not found.getexif()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
async def test_kinds_of_images(ann: User, kind: str, mode: str) -> None:
    if kind == "JPEG" and mode in {"1", "P"}:
        mode = "CMYK"
    await set_avatar(ann, image(mode="RGB" if kind == "WEBP" else mode, kind=kind))
    assert (await shown(ann)).size == (40, 30)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG file of a few kilobytes that says it is large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return len(data).to_bytes(4, "big") + kind + data + crc.to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\x00\x00\x00"
    packed = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "nothing": (b"", 400),
    "text": (b"hello", 400),
    "svg": (SVG, 400),
    "html": (b"<html><img src=x onerror=alert(1)>", 400),
    "cut": (image((500, 500))[:60], 400),
    "header alone": (b"\x89PNG\r\n\x1a\n", 400),
    "gif header alone": (b"GIF89a\xff\xff\xff\xff\xff\xff\xff", 400),
    "wrong checksum": (image().replace(b"IHDR", b"IHDX"), 400),
    "executable": (b"\x7fELF" + bytes(1000), 400),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 400),
    "tiff": (image(kind="TIFF"), 400),
    "icon": (image(kind="ICO"), 400),
    "bomb": (bomb(50_000, 50_000), 413),
    "small bomb": (bomb(5000, 5000), 413),
    "most pixels": (bomb(2**31 - 1, 2**31 - 1), 413),
    "one line": (bomb(2**31 - 1, 1), 413),
    "many pixels in truth": (image((6000, 6000), mode="1"), 413),
    "too many bytes": (bytes(MAX_AVATAR_BYTES + 1), 413),
    "far too many bytes": (bytes(3 * MAX_AVATAR_BYTES), 413),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files(ann: User, name: str) -> None:
    await set_avatar(ann, image((10, 10)))
    data, status = HOSTILE[name]
    response = await put(ann, data)
    error = response.json()
    assert response.status_code == status, error
    if status == 413:
        assert error["errorCode"] == "payloadTooLarge"
    else:
        assert error["errorCode"] == "badParameter"
        assert error["details"]["parameter"] in {"file", "body"}
    assert (await shown(ann)).size == (10, 10)


async def test_the_largest_file(ann: User) -> None:
    data = image()
    data += bytes(MAX_AVATAR_BYTES - len(data))
    await set_avatar(ann, data)
    assert (await put(ann, data + b"\0")).status_code == 413


async def test_what_is_no_single_file(ann: User) -> None:
    data = image()
    two = {"a": ("a.png", data), "b": ("b.png", data)}
    for options in (
        {"files": two},
        {"files": [("a", ("a.png", data))] * 3},
        {"data": {"avatar": "text"}, "files": {"a": ("a.png", data)}},
        {"content": data, "headers": {"Content-Type": "image/png"}},
        {"json": {"avatar": "x"}},
        {},
        {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": data, "headers": {"Content-Type": "multipart/form-data"}},
    ):
        response = await ann.client.put(AVATAR, **options)
        assert (response.status_code, response.json()["errorCode"]) == (400, "badParameter"), options
    assert (await ann.client.get(AVATAR)).status_code == 404


async def test_a_key_sets_the_picture_once(ann: User) -> None:
    headers = {"Idempotency-Key": "one"}
    data = image((7, 7))
    assert (await put(ann, data, headers=headers)).status_code == 200
    await set_avatar(ann, image((9, 9)))
    # The same file, in a body with another boundary.
    again = await put(ann, data, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await shown(ann)).size == (9, 9)
    assert (await put(ann, image((8, 8)), headers=headers)).status_code == 409
    bad = await put(ann, b"hello", headers={"Idempotency-Key": "two"})
    assert bad.status_code == 400
    assert (await put(ann, data, headers={"Idempotency-Key": "two"})).status_code == 200


async def test_all_goes_with_the_account(world: World, ann: User) -> None:
    await set_avatar(ann, image())
    await set_info(ann, WHOLE)
    await world.directory.remove_account("ann@example.test")
    for table in ("avatar", "profile"):
        async with world.store.directory() as tables:
            rows = await tables._connection.fetch_all(f"SELECT account_id FROM {table}")  # noqa: S608
        assert rows == []
