"""Settings of the account, and texts that programs keep with it."""

import msgspec
from litestar import delete, get, patch, post

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.settings import ClientSettings, SettingsPatch, UISettings, read_change
from postroom.model.settings import AccountSettings

_PATH = "/api/v1/account/settings"

_patch = msgspec.json.Decoder(SettingsPatch)
_ui = msgspec.json.Decoder(UISettings)
_client = msgspec.json.Decoder(ClientSettings)


@get(
    _PATH,
    **operation("getSettings", "Get the settings", tag="account", returns=AccountSettings, has_etag=True),
)
async def get_settings(request: Call) -> Reply:
    """Get all settings: what the account has set, and the defaults of its class for the rest."""
    settings = await request.domain.settings.find(request.caller)
    etag = make_etag("settings", settings)
    return request.find_not_modified(etag) or json_reply(settings, etag=etag)


@patch(
    _PATH,
    **operation("changeSettings", "Change settings", tag="account", returns=None, body=SettingsPatch),
)
async def change_settings(request: Call) -> Reply:
    """Change any of the settings: all that are given, or none if one of them is wrong."""
    change = read_change(await request.parse_body(_patch))
    await request.domain.settings.update(request.caller, change)
    return Reply()


@get(
    f"{_PATH}/ui",
    **operation("getUISettings", "Get a program's text", tag="account", returns=UISettings, has_etag=True),
)
async def get_ui_settings(request: Call) -> Reply:
    """Get what programs keep of their user interface; empty if nothing is kept."""
    text = await request.domain.settings.find_ui(request.caller)
    etag = make_etag("settings/ui", text)
    return request.find_not_modified(etag) or json_reply(UISettings(text), etag=etag)


@post(
    f"{_PATH}/ui",
    **operation("setUISettings", "Keep a program's text", tag="account", returns=None, body=UISettings),
)
async def set_ui_settings(request: Call) -> Reply:
    """Keep a text of a program's user interface in the place of the one before."""
    kept = await request.parse_body(_ui)
    await request.domain.settings.set_ui(request.caller, kept.ui_settings)
    return Reply()


@delete(
    f"{_PATH}/ui",
    status_code=200,
    **operation("deleteUISettings", "Drop a program's text", tag="account", returns=None),
)
async def delete_ui_settings(request: Call) -> Reply:
    """Keep nothing of a program's user interface any more."""
    await request.domain.settings.set_ui(request.caller, "")
    return Reply()


@get(
    f"{_PATH}/client",
    **operation(
        "getClientSettings",
        "Get a program's other text",
        tag="account",
        returns=ClientSettings,
        has_etag=True,
    ),
)
async def get_client_settings(request: Call) -> Reply:
    """Get what else programs keep; empty if nothing is kept."""
    text = await request.domain.settings.find_client(request.caller)
    etag = make_etag("settings/client", text)
    return request.find_not_modified(etag) or json_reply(ClientSettings(text), etag=etag)


@post(
    f"{_PATH}/client",
    **operation(
        "setClientSettings", "Keep a program's other text", tag="account", returns=None, body=ClientSettings
    ),
)
async def set_client_settings(request: Call) -> Reply:
    """Keep another text of a program in the place of the one before."""
    kept = await request.parse_body(_client)
    await request.domain.settings.set_client(request.caller, kept.client_settings)
    return Reply()


@delete(
    f"{_PATH}/client",
    status_code=200,
    **operation("deleteClientSettings", "Drop a program's other text", tag="account", returns=None),
)
async def delete_client_settings(request: Call) -> Reply:
    """Keep no other text of a program any more."""
    await request.domain.settings.set_client(request.caller, "")
    return Reply()


ROUTES = [
    get_settings,
    change_settings,
    get_ui_settings,
    set_ui_settings,
    delete_ui_settings,
    get_client_settings,
    set_client_settings,
    delete_client_settings,
]
