"""Webhooks: who else is told of what happens in the account."""

import msgspec
from litestar import delete, get, patch, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.fields import or_none
from postroom.api.schemas.webhooks import (
    NewWebhook,
    Replay,
    ReplayStart,
    Webhook,
    WebhookChange,
    WebhookList,
    render_start,
    render_webhook,
)
from postroom.domain.webhooks import HookChange
from postroom.errors import bad_parameter
from postroom.model.webhook import WebhookRef

_new = msgspec.json.Decoder(NewWebhook)
_change = msgspec.json.Decoder(WebhookChange)
_replay = msgspec.json.Decoder(Replay)

PATH = "/api/v1/account/webhooks"
_ONE = PATH + "/{webhook_id:str}"
_NO_STORE = [(b"cache-control", b"no-store")]


def _parse_ref(request: Call) -> WebhookRef:
    return ids.parse_webhook(request.scope["path_params"]["webhook_id"], "webhookId")


@get(PATH, **operation("listWebhooks", "List webhooks", tag="webhooks", returns=WebhookList, has_etag=True))
async def list_webhooks(request: Call) -> Reply:
    """List the account's webhooks, oldest first."""
    hooks = await request.domain.webhooks.list_all(request.caller)
    shown = WebhookList([render_webhook(hook) for hook in hooks])
    etag = make_etag("webhooks", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@post(
    PATH,
    **operation(
        "createWebhook",
        "Make a webhook",
        tag="webhooks",
        returns=Webhook,
        body=NewWebhook,
        errors=("notFound", "notPermitted", "conflict"),
    ),
)
async def create_webhook(request: Call) -> Reply:
    """Make a webhook that is told of what happens from now on; the answer alone shows its secret."""
    body = await request.parse_body(_new)
    folder = None if body.folder_id is None else ids.parse_folder(body.folder_id, "folderId")
    kinds = or_none(body.kinds)
    change = HookChange(body.url, kinds, folder, enabled=body.enabled)
    webhooks = request.domain.webhooks
    hook = await webhooks.create(request.caller, change)
    shown = render_webhook(hook, secret=webhooks.secret_of(hook))
    return Reply(msgspec.json.encode(shown), headers=_NO_STORE)


@get(_ONE, **operation("getWebhook", "Get a webhook", tag="webhooks", returns=Webhook, has_etag=True))
async def get_webhook(request: Call) -> Reply:
    """Get one webhook."""
    shown = render_webhook(await request.domain.webhooks.get(request.caller, _parse_ref(request)))
    etag = make_etag("webhook", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@patch(
    _ONE,
    **operation(
        "changeWebhook",
        "Change a webhook",
        tag="webhooks",
        returns=Webhook,
        body=WebhookChange,
        errors=("notPermitted",),
    ),
)
async def change_webhook(request: Call) -> Reply:
    """Change a webhook; one that is enabled again goes on from where it was, and its failure is forgotten."""
    ref = _parse_ref(request)
    change = _read_change(await request.parse_body(_change))
    return json_reply(render_webhook(await request.domain.webhooks.change(request.caller, ref, change)))


def _read_change(body: WebhookChange) -> HookChange:
    folder = None if body.folder_id in {None, UNSET} else ids.parse_folder(str(body.folder_id), "folderId")
    return HookChange(
        url=or_none(body.url),
        kinds=or_none(body.kinds),
        folder=folder,
        all_folders=body.folder_id is None,
        enabled=or_none(body.enabled),
    )


@delete(
    _ONE,
    status_code=200,
    **operation("deleteWebhook", "Delete a webhook", tag="webhooks", returns=None),
)
async def delete_webhook(request: Call) -> Reply:
    """Delete a webhook; nothing more is sent."""
    await request.domain.webhooks.delete(request.caller, _parse_ref(request))
    return Reply()


@post(
    _ONE + "/replay",
    **operation(
        "replayWebhook",
        "Start a webhook again",
        tag="webhooks",
        returns=ReplayStart,
        body=Replay,
        errors=("notPermitted",),
    ),
)
async def replay_webhook(request: Call) -> Reply:
    """Tell everything from a position or date on, once more, with the same message ids."""
    ref = _parse_ref(request)
    position, date = _read_start((await request.parse_body(_replay)).from_)
    start = await request.domain.webhooks.replay(request.caller, ref, position=position, date=date)
    return json_reply(render_start(start))


def _read_start(given: int | str) -> tuple[int | None, int | None]:
    """Return the position or the date that is given."""
    if isinstance(given, int):
        return given, None
    if given.startswith("-"):
        return None, 0
    if len(given) > 18:
        raise bad_parameter("from", "from must not be in the future")
    return None, int(given)


ROUTES = [list_webhooks, create_webhook, get_webhook, change_webhook, delete_webhook, replay_webhook]
