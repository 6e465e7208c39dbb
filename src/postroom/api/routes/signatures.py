"""Signatures, which programs put below what their user writes."""

import msgspec
from litestar import delete, get, post, put

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.signatures import (
    NewSignature,
    Signature,
    SignatureHead,
    SignatureList,
    SignaturePatch,
    read_change,
    render_head,
    render_list,
    render_signature,
)
from postroom.model.profile import SignatureRef

_PATH = "/api/v1/account/signatures"
_ONE = f"{_PATH}/{{signature_id:str}}"

_new = msgspec.json.Decoder(NewSignature)
_patch = msgspec.json.Decoder(SignaturePatch)


def _parse_ref(request: Call) -> SignatureRef:
    return ids.parse_signature(request.scope["path_params"]["signature_id"], "signatureId")


@get(
    _PATH,
    **operation("listSignatures", "List the signatures", tag="account", returns=SignatureList, has_etag=True),
)
async def list_signatures(request: Call) -> Reply:
    """List all signatures, without their texts."""
    owner, heads = request.caller.account_id, await request.domain.signatures.list(request.caller)
    etag = make_etag("signatures", owner, heads)
    return request.find_not_modified(etag) or json_reply(render_list(owner, heads), etag=etag)


@post(
    _PATH,
    **operation(
        "createSignature",
        "Make a signature",
        tag="account",
        returns=SignatureHead,
        body=NewSignature,
        errors=("notPermitted",),
    ),
)
async def create_signature(request: Call) -> Reply:
    """Make a signature."""
    new = await request.parse_body(_new)
    made = await request.domain.signatures.create(request.caller, new.name, new.type, body=new.body)
    return json_reply(render_head(request.caller.account_id, made.head))


@get(
    _ONE,
    **operation("getSignature", "Get a signature", tag="account", returns=Signature, has_etag=True),
)
async def get_signature(request: Call) -> Reply:
    """Get one signature with its text."""
    owner, found = (
        request.caller.account_id,
        await request.domain.signatures.get(request.caller, _parse_ref(request)),
    )
    etag = make_etag("signature", owner, found)
    return request.find_not_modified(etag) or json_reply(render_signature(owner, found), etag=etag)


@put(
    _ONE,
    **operation("changeSignature", "Change a signature", tag="account", returns=None, body=SignaturePatch),
)
async def change_signature(request: Call) -> Reply:
    """Change any of the three: what is not given stays."""
    ref = _parse_ref(request)
    change = read_change(await request.parse_body(_patch))
    await request.domain.signatures.change(request.caller, ref, change)
    return Reply()


@delete(
    _ONE,
    status_code=200,
    **operation("deleteSignature", "Delete a signature", tag="account", returns=None),
)
async def delete_signature(request: Call) -> Reply:
    """Delete a signature."""
    await request.domain.signatures.delete(request.caller, _parse_ref(request))
    return Reply()


ROUTES = [list_signatures, create_signature, get_signature, change_signature, delete_signature]
