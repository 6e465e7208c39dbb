"""Programs that were told what is lost then: where they stand, and what must become of them."""

from typing import NamedTuple

from tests.fixtures.copies import Copy, FolderCopy, list_folder
from tests.fixtures.factories import Owner, make_message
from tests.fixtures.readers import Reader, position_of

from postroom.domain.contact_cards import Card
from postroom.domain.event_feed import RESET, Event, Selection
from postroom.model.ids import FolderId
from postroom.store import Store


class Told(NamedTuple):
    """What programs of an account were told, and where they stand."""

    mails: Copy
    folders: FolderCopy
    contacts: str
    position: tuple[int, int]


async def change(owner: Owner, name: str, *, folder_id: FolderId | None = None) -> FolderId:
    """Do what gives numbers out: new mails, a folder, a contact, a label."""
    made = await owner.add_folder(name)
    for number in range(4):
        await owner.add_mail(make_message(subject=f"{name} {number}"))
        await owner.add_mail(make_message(subject=f"{name} there {number}"), folder_id=folder_id or made)
    caller = await owner.caller()
    await owner.domain.address_book.changes.create(caller, Card(name=name), folder=None)
    await owner.domain.labels.create(caller, name)
    return made


async def listen(owner: Owner, position: tuple[int, int] | None = None) -> list[Event]:
    """Return what an event stream tells that begins, or goes on from a position."""
    stream = await owner.domain.event_streams.open(await owner.caller(), Selection(), position)
    try:
        return await Reader(stream).read(all_of_it=False)
    finally:
        stream.close()


async def tell(owner: Owner) -> Told:
    """Tell all there is to new programs of an account."""
    caller = await owner.caller()
    mails, folders = Copy(owner, caller), FolderCopy(owner, caller)
    await mails.ask()
    await folders.sync()
    delta = await owner.domain.address_book.deltas.changes(caller, None, text=None, limit=100)
    return Told(mails, folders, delta.token, position_of((await listen(owner))[-1]))


async def list_numbers(store: Store) -> set[tuple[str, int, int, int]]:
    """Return the numbers by which things are named, each with its kind."""
    statements = {
        "mail": "SELECT account_id, folder_id, uid FROM mail",
        "contact": "SELECT account_id, folder_id, uid FROM contact",
        "item": "SELECT account_id, 0, item_id FROM mail",
        "content": "SELECT account_id, 0, content_id FROM content",
        "folder": "SELECT account_id, 0, folder_id FROM folder",
        "label": "SELECT account_id, 0, label_id FROM label",
        "step": "SELECT account_id, 0, modseq FROM operation",
        "account": "SELECT 0, 0, account_id FROM account",
    }
    async with store.engine.read() as connection:
        return {(name, *row) for name, sql in statements.items() for row in await connection.fetch_all(sql)}


async def check_anew(owner: Owner, told: Told) -> None:
    """Check that programs that were told what is lost begin anew, and know then what there is."""
    caller = await owner.caller()
    mails = Copy(owner, caller, token=told.mails.token, mails=dict(told.mails.mails))
    assert (await mails.ask()).is_reset
    assert mails.mails == await list_folder(owner)
    delta = await owner.domain.deltas.folders(caller, text=told.folders.token, access_mode="all")
    assert delta.is_reset
    found = await owner.domain.address_book.deltas.changes(caller, None, text=told.contacts, limit=100)
    assert found.is_reset
    assert len(found.new) == found.total_items
    assert (await listen(owner, told.position))[0].kind == RESET


async def check_goes_on(owner: Owner) -> None:
    """Check that programs that begin now are not sent back again."""
    told = await tell(owner)
    await owner.add_mail()
    assert not (await told.mails.ask()).is_reset
    await told.folders.sync()
    assert (await listen(owner, told.position))[0].kind != RESET
