"""Labels."""

import msgspec
from litestar import delete, get, patch, post, put

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.folders import SyncToken
from postroom.api.schemas.labels import Label, LabelList, LabelListQuery, LabelName, render_label
from postroom.domain import labels as domain
from postroom.model.ids import LabelRef

_PATH = "/api/v1/labels"
_LABEL_PATH = f"{_PATH}/{{label_id:str}}"

_list_query = Query(LabelListQuery)
_name = msgspec.json.Decoder(LabelName)


def _parse_ref(request: Call) -> LabelRef:
    return ids.parse_label(request.scope["path_params"]["label_id"], "labelId")


@get(
    _PATH,
    **operation(
        "listLabels",
        "List the labels",
        tag="labels",
        returns=(LabelList, SyncToken),
        query=LabelListQuery,
        has_etag=True,
    ),
)
async def list_labels(request: Call) -> Reply:
    """List all labels; ``syncTokenOnly`` answers with the token alone."""
    query, caller = request.parse_query(_list_query), request.caller
    modseq = await request.domain.labels.labels_modseq(caller)
    token = request.domain.tokens.labels_token(caller.account_id, modseq)
    etag = make_etag("labels", token, query)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    if query.sync_token_only:
        return json_reply(SyncToken(token), etag=etag)
    found = await request.domain.labels.list(caller)
    token = request.domain.tokens.labels_token(caller.account_id, found.labels_modseq)
    items = [render_label(caller.account_id, label) for label in found.labels]
    return json_reply(LabelList(token, items), etag=make_etag("labels", token, query))


@get(
    _LABEL_PATH,
    **operation("getLabel", "Get a label", tag="labels", returns=Label, has_etag=True),
)
async def get_label(request: Call) -> Reply:
    """Get one label."""
    label = await request.domain.labels.get(request.caller, _parse_ref(request))
    etag = _make_etag(request, label)
    return request.find_not_modified(etag) or _reply(request, label)


@post(
    _PATH,
    **operation(
        "createLabel",
        "Make a label",
        tag="labels",
        returns=Label,
        body=LabelName,
        errors=("labelExists", "notPermitted"),
    ),
)
async def create_label(request: Call) -> Reply:
    """Make a label. Names are unique without regard to case."""
    wanted = await request.parse_body(_name)
    return _reply(request, await request.domain.labels.create(request.caller, wanted.name))


@patch(
    _LABEL_PATH,
    **operation(
        "renameLabel",
        "Rename a label",
        tag="labels",
        returns=Label,
        body=LabelName,
        errors=("labelExists",),
    ),
)
async def rename_label(request: Call) -> Reply:
    """Give a label another name; it keeps its id, and stays on its mails."""
    return await _rename(request)


@put(
    _LABEL_PATH,
    **operation(
        "replaceLabel",
        "Rename a label",
        tag="labels",
        returns=Label,
        body=LabelName,
        errors=("labelExists",),
    ),
)
async def replace_label(request: Call) -> Reply:
    """The same: a label has nothing but its name."""
    return await _rename(request)


async def _rename(request: Call) -> Reply:
    ref = _parse_ref(request)
    wanted = await request.parse_body(_name)
    return _reply(request, await request.domain.labels.rename(request.caller, ref, wanted.name))


@delete(
    _LABEL_PATH,
    status_code=200,
    **operation("deleteLabel", "Delete a label", tag="labels", returns=None),
)
async def delete_label(request: Call) -> Reply:
    """Delete a label; it comes off all mails."""
    await request.domain.labels.delete(request.caller, _parse_ref(request))
    return Reply()


def _make_etag(request: Call, label: domain.Label) -> bytes:
    return make_etag("label", request.caller.account_id, label)


def _reply(request: Call, label: domain.Label) -> Reply:
    shown = render_label(request.caller.account_id, label)
    return json_reply(shown, etag=_make_etag(request, label))


ROUTES = [list_labels, get_label, create_label, rename_label, replace_label, delete_label]
