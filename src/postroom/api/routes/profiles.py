"""What the account says of itself: contact information and a picture; and the addresses it has."""

import hashlib

import msgspec
from litestar import HttpMethod, delete, get, put, route

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import Stream, operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.profiles import (
    AddressList,
    ContactInfo,
    read_contact_info,
    render_addresses,
    render_contact_info,
)
from postroom.api.stream import Content, StreamReply
from postroom.api.uploads import read_one_file
from postroom.domain.profiles import MAX_AVATAR_BYTES

_CONTACT_INFO = "/api/v1/account/contactinfo"
_AVATAR = "/api/v1/account/avatar"

_contact_info = msgspec.json.Decoder(ContactInfo)


@get(
    _CONTACT_INFO,
    **operation(
        "getContactInfo", "Get the contact information", tag="account", returns=ContactInfo, has_etag=True
    ),
)
async def get_contact_info(request: Call) -> Reply:
    """Get who the owner of the account is; empty texts where nothing was said."""
    info = await request.domain.profiles.contact_info(request.caller)
    etag = make_etag("contactinfo", info)
    return request.find_not_modified(etag) or json_reply(render_contact_info(info), etag=etag)


@put(
    _CONTACT_INFO,
    **operation(
        "setContactInfo", "Set the contact information", tag="account", returns=None, body=ContactInfo
    ),
)
async def set_contact_info(request: Call) -> Reply:
    """Set who the owner is, as a whole: what is not given becomes empty.

    A change of first, middle or last name changes the full name that mail is sent under.
    """
    given = await request.parse_body(_contact_info)
    await request.domain.profiles.set_contact_info(request.caller, read_contact_info(given))
    return Reply()


@get(
    "/api/v1/account/aliases",
    **operation("listAliases", "List the addresses", tag="account", returns=AddressList, has_etag=True),
)
async def list_aliases(request: Call) -> Reply:
    """List the addresses that the account has for good, by alias domains too; the main one comes first."""
    addresses = await request.domain.accounts.list_addresses(request.caller)
    etag = make_etag("aliases", addresses)
    return request.find_not_modified(etag) or json_reply(render_addresses(addresses), etag=etag)


@route(
    _AVATAR,
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    **operation(
        "getAvatar",
        "Get the picture",
        tag="account",
        returns=Stream(("image/jpeg", "image/png"), "The picture, at most 512 × 512."),
        errors=("notFound",),
    ),
)
async def get_avatar(request: Call) -> StreamReply:
    """Get the picture of the account."""
    picture = await request.domain.profiles.avatar(request.caller)
    etag = make_etag("avatar", hashlib.sha256(picture.data).digest())
    return StreamReply(Content(picture.media_type, etag, picture.data, len(picture.data), "inline", "avatar"))


@put(
    _AVATAR,
    **operation(
        "setAvatar",
        "Set the picture",
        tag="account",
        returns=None,
        max_file_bytes=MAX_AVATAR_BYTES,
        errors=("payloadTooLarge",),
    ),
)
async def set_avatar(request: Call) -> Reply:
    """Set the picture: one image file (PNG, JPEG, GIF, WebP, BMP) of at most 1 MiB, which is made anew."""
    data = await read_one_file(request, MAX_AVATAR_BYTES)
    await request.domain.profiles.set_avatar(request.caller, data)
    return Reply()


@delete(
    _AVATAR,
    status_code=200,
    **operation("deleteAvatar", "Remove the picture", tag="account", returns=None),
)
async def delete_avatar(request: Call) -> Reply:
    """Have no picture any more."""
    await request.domain.profiles.delete_avatar(request.caller)
    return Reply()


ROUTES = [get_contact_info, set_contact_info, list_aliases, get_avatar, set_avatar, delete_avatar]
