"""Filters of incoming mail: the white and the black list, and the filters that are on or off."""

import msgspec
from litestar import delete, get, patch, post, put

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.fields import or_none
from postroom.api.schemas.filters import (
    CurrentPreset,
    Entry,
    EntryList,
    EntryListQuery,
    FilterOptions,
    FilterOptionsChange,
    NewEntry,
    OnOffFilterList,
    PresetList,
    PresetName,
    Switch,
    render_entry,
    render_filters,
    render_options,
    render_page,
    render_preset,
    render_presets,
)
from postroom.model.filters import EntryRef, ListName

PATH = "/api/v1/account/avas"
_WHITE, _BLACK = f"{PATH}/whitelist", f"{PATH}/blacklist"
_ON_OFF = f"{PATH}/filters/onoff"

_options = msgspec.json.Decoder(FilterOptionsChange)
_entry = msgspec.json.Decoder(NewEntry)
_preset = msgspec.json.Decoder(PresetName)
_switch = msgspec.json.Decoder(Switch)
_page = Query(EntryListQuery)


# The options


@get(
    PATH,
    **operation("getFilterOptions", "Get the options", tag="filters", returns=FilterOptions, has_etag=True),
)
async def get_options(request: Call) -> Reply:
    """Get what the address book means for the white and the black list."""
    shown = render_options(await request.domain.filter_settings.find(request.caller))
    etag = make_etag("filters", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@patch(
    PATH,
    **operation(
        "changeFilterOptions",
        "Change the options",
        tag="filters",
        returns=FilterOptions,
        body=FilterOptionsChange,
    ),
)
async def change_options(request: Call) -> Reply:
    """Change what the address book means for the white and the black list."""
    body = await request.parse_body(_options)
    included, excluded = body.whitelist_include_address_book, body.blacklist_exclude_address_book
    setting = await request.domain.filter_settings.set_options(
        request.caller,
        includes_address_book=or_none(included),
        excludes_address_book=or_none(excluded),
    )
    return json_reply(render_options(setting))


# The lists


async def _list(request: Call, name: ListName) -> Reply:
    query, caller = request.parse_query(_page), request.caller
    limit = await request.domain.settings.page_size(caller, query.limit)
    page = await request.domain.filter_settings.list_entries(caller, name, start=query.start, limit=limit)
    shown = render_page(caller.account_id, page)
    etag = make_etag("filters", name, shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


async def _add(request: Call, name: ListName) -> Reply:
    body = await request.parse_body(_entry)
    entry = await request.domain.filter_settings.add(request.caller, name, body.email_address)
    return json_reply(render_entry(request.caller.account_id, entry))


def _parse_ref(request: Call, name: ListName) -> EntryRef:
    return ids.parse_entry(request.scope["path_params"][f"{name}_id"], f"{name}Id")


async def _change(request: Call, name: ListName) -> Reply:
    ref = _parse_ref(request, name)
    body = await request.parse_body(_entry)
    entry = await request.domain.filter_settings.change(request.caller, name, ref, pattern=body.email_address)
    return json_reply(render_entry(ref.owner, entry))


async def _delete(request: Call, name: ListName) -> Reply:
    await request.domain.filter_settings.delete(request.caller, name, _parse_ref(request, name))
    return Reply()


@get(
    _WHITE,
    **operation(
        "listWhitelist",
        "List the white list",
        tag="filters",
        returns=EntryList,
        query=EntryListQuery,
        has_etag=True,
    ),
)
async def list_white(request: Call) -> Reply:
    """List whose mail never goes to Spam, oldest first."""
    return await _list(request, "white")


@post(
    _WHITE,
    **operation(
        "addToWhitelist",
        "Add to the white list",
        tag="filters",
        returns=Entry,
        body=NewEntry,
        errors=("conflict", "notPermitted"),
    ),
)
async def add_white(request: Call) -> Reply:
    """Add an address or a whole domain whose mail never goes to Spam."""
    return await _add(request, "white")


@put(
    f"{_WHITE}/{{white_id:str}}",
    **operation(
        "changeWhitelistEntry",
        "Change an entry of the white list",
        tag="filters",
        returns=Entry,
        body=NewEntry,
        errors=("conflict",),
    ),
)
async def change_white(request: Call) -> Reply:
    """Put another address in the place of one; the id stays."""
    return await _change(request, "white")


@delete(
    f"{_WHITE}/{{white_id:str}}",
    status_code=200,
    **operation("removeFromWhitelist", "Remove from the white list", tag="filters", returns=None),
)
async def delete_white(request: Call) -> Reply:
    """Remove an entry of the white list."""
    return await _delete(request, "white")


@get(
    _BLACK,
    **operation(
        "listBlacklist",
        "List the black list",
        tag="filters",
        returns=EntryList,
        query=EntryListQuery,
        has_etag=True,
    ),
)
async def list_black(request: Call) -> Reply:
    """List whose mail goes to Spam, oldest first."""
    return await _list(request, "black")


@post(
    _BLACK,
    **operation(
        "addToBlacklist",
        "Add to the black list",
        tag="filters",
        returns=Entry,
        body=NewEntry,
        errors=("conflict", "notPermitted"),
    ),
)
async def add_black(request: Call) -> Reply:
    """Add an address or a whole domain whose mail goes to Spam."""
    return await _add(request, "black")


@put(
    f"{_BLACK}/{{black_id:str}}",
    **operation(
        "changeBlacklistEntry",
        "Change an entry of the black list",
        tag="filters",
        returns=Entry,
        body=NewEntry,
        errors=("conflict",),
    ),
)
async def change_black(request: Call) -> Reply:
    """Put another address in the place of one; the id stays."""
    return await _change(request, "black")


@delete(
    f"{_BLACK}/{{black_id:str}}",
    status_code=200,
    **operation("removeFromBlacklist", "Remove from the black list", tag="filters", returns=None),
)
async def delete_black(request: Call) -> Reply:
    """Remove an entry of the black list."""
    return await _delete(request, "black")


# The filters that are on or off


@get(
    f"{_ON_OFF}/presets",
    **operation("listFilterPresets", "List the presets", tag="filters", returns=PresetList, has_etag=True),
)
async def list_presets(request: Call) -> Reply:
    """List the names of sets of filters."""
    shown = render_presets()
    etag = make_etag("filters/presets", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@get(
    f"{_ON_OFF}/preset",
    **operation(
        "getFilterPreset", "Get the preset in force", tag="filters", returns=CurrentPreset, has_etag=True
    ),
)
async def get_preset(request: Call) -> Reply:
    """Get the preset that the filters match, ``custom`` if none."""
    shown = render_preset(await request.domain.filter_settings.find(request.caller))
    etag = make_etag("filters/preset", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@post(
    f"{_ON_OFF}/preset",
    **operation("setFilterPreset", "Use a preset", tag="filters", returns=None, body=PresetName),
)
async def set_preset(request: Call) -> Reply:
    """Turn the filters of a preset on, and all others off."""
    body = await request.parse_body(_preset)
    await request.domain.filter_settings.use_preset(request.caller, body.preset)
    return Reply()


@get(
    _ON_OFF,
    **operation("listFilters", "List the filters", tag="filters", returns=OnOffFilterList, has_etag=True),
)
async def list_filters(request: Call) -> Reply:
    """List the filters that are on or off, in the order in which they are asked."""
    shown = render_filters(await request.domain.filter_settings.find(request.caller))
    etag = make_etag("filters/onoff", shown)
    return request.find_not_modified(etag) or json_reply(shown, etag=etag)


@patch(
    f"{_ON_OFF}/{{filter_id:str}}",
    **operation("switchFilter", "Turn a filter on or off", tag="filters", returns=None, body=Switch),
)
async def switch_filter(request: Call) -> Reply:
    """Turn one filter on or off."""
    number = ids.parse_index(request.scope["path_params"]["filter_id"], "filterId")
    body = await request.parse_body(_switch)
    await request.domain.filter_settings.switch(request.caller, number, is_on=body.enabled)
    return Reply()


ROUTES = [
    get_options,
    change_options,
    list_white,
    add_white,
    change_white,
    delete_white,
    list_black,
    add_black,
    change_black,
    delete_black,
    list_presets,
    get_preset,
    set_preset,
    list_filters,
    switch_filter,
]
