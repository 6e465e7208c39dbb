"""Contacts: lists, single ones, those that are found as one types, pictures, changes since a token."""

import msgspec
from litestar import delete, get, patch, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.contacts import (
    AutocompleteQuery,
    AvatarsWanted,
    Contact,
    ContactAvatars,
    ContactChange,
    ContactDelta,
    ContactDeltaQuery,
    ContactList,
    ContactListQuery,
    FoundContacts,
    read_changes,
    render_avatars,
    render_contact,
    render_delta,
    render_listed,
    render_page,
)
from postroom.api.schemas.folders import SyncToken
from postroom.domain.contact_cards import Card
from postroom.domain.contacts import ContactListRequest, FullContact
from postroom.errors import bad_parameter
from postroom.model.account import READ
from postroom.model.contact import ContactRef, ContactSort
from postroom.model.ids import FolderRef

_PATH = "/api/v1/contacts"
_CONTACT_PATH = f"{_PATH}/{{contact_id:str}}"
_TAG = "contacts"

_list_query = Query(ContactListQuery)
_delta_query = Query(ContactDeltaQuery)
_autocomplete_query = Query(AutocompleteQuery)
_avatars_wanted = msgspec.json.Decoder(AvatarsWanted)
_change = msgspec.json.Decoder(ContactChange)


def _parse_ref(request: Call) -> ContactRef:
    return ids.parse_contact(request.scope["path_params"]["contact_id"], "contactId")


@get(
    _PATH,
    **operation(
        "listContacts",
        "List contacts",
        tag=_TAG,
        returns=(ContactList, SyncToken),
        query=ContactListQuery,
        has_etag=True,
    ),
)
async def list_contacts(request: Call) -> Reply:
    """List a part of the contacts of a folder, or of all; ``syncTokenOnly`` answers with the token alone."""
    query = request.parse_query(_list_query)
    if query.sync_token_only:
        return await _reply_token(request, ids.parse_optional_folder(query.folder_id, "folderId"))
    wanted = await _read_wanted(request, query)
    if unchanged := await _find_unchanged(request, wanted):
        return unchanged
    page = await request.domain.address_book.contacts.list(request.caller, wanted)
    etag = _make_list_etag(page.token, page.sort, wanted)
    return json_reply(render_page(request.caller.account_id, page), etag=etag)


async def _reply_token(request: Call, folder: FolderRef | None) -> Reply:
    token = await request.domain.address_book.contacts.token(request.caller, folder)
    etag = make_etag("contacts token", token)
    return request.find_not_modified(etag) or json_reply(SyncToken(token), etag=etag)


async def _read_wanted(request: Call, query: ContactListQuery) -> ContactListRequest:
    """Return the page that is asked for, as long as the account has them if the query does not say."""
    folder = ids.parse_optional_folder(query.folder_id, "folderId")
    limit = await request.domain.settings.page_size(request.caller, query.limit)
    is_descending = None if query.dir is None else query.dir == "DESC"
    return ContactListRequest(folder, query.sort, is_descending, query.start, limit)


async def _find_unchanged(request: Call, wanted: ContactListRequest) -> Reply | None:
    """Return the 304 if the client's page is the one it would get; costs one look-up and no page."""
    if b"if-none-match" not in request.exchange.headers:
        return None
    contacts, caller = request.domain.address_book.contacts, request.caller
    token = await contacts.token(caller, wanted.folder)
    sort = await contacts.sort_for(caller, wanted)
    return request.find_not_modified(_make_list_etag(token, sort, wanted))


def _make_list_etag(token: str, sort: ContactSort, wanted: ContactListRequest) -> bytes:
    return make_etag("contacts", token, sort.field.value, sort.descending, wanted.start, wanted.limit)


@get(
    f"{_PATH}/autocomplete",
    **operation(
        "completeContacts",
        "Find contacts as one types",
        tag=_TAG,
        returns=FoundContacts,
        query=AutocompleteQuery,
    ),
)
async def complete_contacts(request: Call) -> Reply:
    """Find contacts that have, for each word typed, a name, nickname or address with a word that begins so.

    Those to whom most was sent come first.
    """
    query, caller = request.parse_query(_autocomplete_query), request.caller
    found = await request.domain.address_book.contacts.complete(caller, query.query, limit=query.limit)
    return json_reply(FoundContacts(len(found), render_listed(caller.account_id, found)))


@post(
    f"{_PATH}/avatars/search",
    status_code=200,
    **operation(
        "searchContactAvatars",
        "Get pictures of contacts",
        tag=_TAG,
        scope=READ,
        returns=ContactAvatars,
        body=AvatarsWanted,
    ),
)
async def search_contact_avatars(request: Call) -> Reply:
    """Get the pictures of contacts, by ids or addresses; of an address, that of the first contact that contains it.

    What has no picture is left out.
    """
    wanted, caller = await request.parse_body(_avatars_wanted), request.caller
    addresses, numbers = wanted.contact_email_addresses, wanted.contact_ids
    if (addresses is UNSET) == (numbers is UNSET):
        message = "one of contactEmailAddresses and contactIds must be given"
        raise bad_parameter("contactEmailAddresses", message)
    if numbers is not UNSET:
        refs = [ids.parse_contact(text, "contactIds") for text in numbers]
        found = await request.domain.address_book.contacts.find_avatars(caller, refs)
    else:
        found = await request.domain.address_book.contacts.find_avatars_of(caller, addresses or [])
    return json_reply(render_avatars(caller.account_id, found))


@get(
    f"{_PATH}/delta",
    **operation(
        "getContactDelta",
        "Get the changes of contacts",
        tag=_TAG,
        returns=ContactDelta,
        query=ContactDeltaQuery,
        has_etag=True,
    ),
)
async def get_contact_delta(request: Call) -> Reply:
    """Get what changed in a folder of contacts, or in all, since ``syncToken``; without one, all as new.

    While ``moreAvailable`` is true, call again with the token of the answer, as for mails. With ``reset`` true the
    token was too old or of another history: drop what there is and take the answer as a first listing.
    """
    query, caller = request.parse_query(_delta_query), request.caller
    folder, deltas = (
        ids.parse_optional_folder(query.folder_id, "folderId"),
        request.domain.address_book.deltas,
    )
    limit = await request.domain.settings.page_size(caller, query.limit)
    if b"if-none-match" in request.exchange.headers:
        present = await deltas.find_present(caller, folder, query.sync_token)
        if unchanged := request.find_not_modified(make_etag("contacts delta", query, limit, present)):
            return unchanged
    delta = await deltas.changes(caller, folder, text=query.sync_token, limit=limit)
    etag = make_etag("contacts delta", query, limit, delta.present)
    return json_reply(render_delta(caller.account_id, delta), etag=etag)


@get(
    _CONTACT_PATH,
    **operation("getContact", "Get a contact", tag=_TAG, returns=Contact, has_etag=True),
)
async def get_contact(request: Call) -> Reply:
    """Get a contact with all that is known of it."""
    full = await request.domain.address_book.contacts.get(request.caller, _parse_ref(request))
    return request.find_not_modified(_make_etag(request, full)) or _reply(request, full)


@post(
    _PATH,
    status_code=200,
    **operation(
        "createContact",
        "Make a contact",
        tag=_TAG,
        returns=Contact,
        body=ContactChange,
        errors=("notPermitted", "payloadTooLarge"),
    ),
)
async def create_contact(request: Call) -> Reply:
    """Make a contact, or with ``members`` a distribution list."""
    given = await request.parse_body(_change)
    full = await request.domain.address_book.changes.create(
        request.caller,
        Card(**read_changes(given)),
        folder=None if given.folder_id is UNSET else ids.parse_optional_folder(given.folder_id, "folderId"),
        avatar=b"" if given.avatar is UNSET else given.avatar or b"",
    )
    return _reply(request, full)


@patch(
    _CONTACT_PATH,
    **operation(
        "changeContact",
        "Change a contact",
        tag=_TAG,
        returns=Contact,
        body=ContactChange,
        errors=("payloadTooLarge",),
    ),
)
async def change_contact(request: Call) -> Reply:
    """Change what is given of a contact. In another folder it has another id, which the answer has."""
    ref = _parse_ref(request)
    given = await request.parse_body(_change)
    full = await request.domain.address_book.changes.update(
        request.caller,
        ref,
        read_changes(given),
        folder=None if given.folder_id is UNSET else ids.parse_optional_folder(given.folder_id, "folderId"),
        avatar=None if given.avatar is UNSET else given.avatar or b"",
    )
    return _reply(request, full)


@delete(
    _CONTACT_PATH,
    status_code=200,
    **operation("deleteContact", "Delete a contact", tag=_TAG, returns=None),
)
async def delete_contact(request: Call) -> Reply:
    """Delete a contact for good."""
    await request.domain.address_book.changes.delete(request.caller, _parse_ref(request))
    return Reply()


def _make_etag(request: Call, full: FullContact) -> bytes:
    contact = full.contact
    return make_etag("contact", request.caller.account_id, contact.folder_id, contact.uid, contact.modseq)


def _reply(request: Call, full: FullContact) -> Reply:
    shown = render_contact(request.caller.account_id, full)
    return json_reply(shown, etag=_make_etag(request, full))


ROUTES = [
    list_contacts,
    complete_contacts,
    search_contact_avatars,
    get_contact_delta,
    get_contact,
    create_contact,
    change_contact,
    delete_contact,
]
