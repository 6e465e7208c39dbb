"""Contacts in and out as vCards."""

from litestar import HttpMethod, post, route

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import Stream, operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.contacts import ExportQuery, ImportQuery, ImportResult
from postroom.api.stream import Content, StreamReply, from_iterator
from postroom.api.uploads import read_file_or_body
from postroom.domain.contact_transfer import MAX_IMPORT_BYTES

_PATH = "/api/v1/contacts"

_import_query = Query(ImportQuery)
_export_query = Query(ExportQuery)


@post(
    f"{_PATH}/import",
    status_code=200,
    **operation(
        "importContacts",
        "Take in vCards",
        tag="contacts",
        returns=ImportResult,
        query=ImportQuery,
        max_file_bytes=MAX_IMPORT_BYTES,
        file_types=("text/vcard",),
        errors=("payloadTooLarge",),
    ),
)
async def import_contacts(request: Call) -> Reply:
    """Take in a file of vCards (2.1, 3.0, 4.0), as the body or as a file in a form.

    A card with the UID, or with the name and the main address, of a contact of the folder changes that one.
    """
    folder = ids.parse_optional_folder(request.parse_query(_import_query).folder_id, "folderId")
    data = await read_file_or_body(request, MAX_IMPORT_BYTES)
    done = await request.domain.address_book.transfer.import_cards(request.caller, data, folder=folder)
    return json_reply(ImportResult(*done))


@route(
    f"{_PATH}/export",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    **operation(
        "exportContacts",
        "Get contacts as vCards",
        tag="contacts",
        query=ExportQuery,
        returns=Stream(("text/vcard",), "A vCard for each contact of the folder."),
    ),
)
async def export_contacts(request: Call) -> StreamReply:
    """Get the contacts of a folder as vCards."""
    query, transfer = request.parse_query(_export_query), request.domain.address_book.transfer
    ref, token = await transfer.begin_export(
        request.caller, ids.parse_optional_folder(query.folder_id, "folderId")
    )
    content = Content(
        "text/vcard; charset=utf-8",
        make_etag("contacts export", token, query.version),
        from_iterator(lambda: transfer.export(ref, query.version)),
        None,
        "attachment",
        "contacts.vcf",
    )
    return StreamReply(content)


ROUTES = [import_contacts, export_contacts]
