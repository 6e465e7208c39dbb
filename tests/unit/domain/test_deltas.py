"""Deltas: what a client is told, and that it then has what is there."""

import time

import pytest
from tests.fixtures.copies import Copy, list_folder, token_of
from tests.fixtures.factories import DATE, AddOwner, Owner, make_filing

from postroom.config.retention import RetentionConfig
from postroom.domain import chains
from postroom.domain.deltas import FolderDelta, MailDelta
from postroom.domain.filing import Flags, file_mail, move_mails, remove_mails, set_flags
from postroom.domain.folder_names import name_key
from postroom.domain.maintenance import purge_history
from postroom.domain.tokens import SyncToken
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, ROOT
from postroom.model.ids import FolderId, Modseq, Uid
from postroom.store.sql.mails import Located
from postroom.store.sql.operations import Grave
from postroom.store.tx import Transaction

SENT = FolderId(INBOX + 2)
YEAR_SECONDS = 366 * 86_400


@pytest.fixture
async def copy(owner: Owner) -> Copy:
    """A client that has nothing yet."""
    return Copy(owner, await owner.caller())


async def locate(tx: Transaction, uids: list[int], folder_id: FolderId = INBOX) -> list[Located]:
    await tx.lock()
    found = [await tx.mails.locate(folder_id, Uid(uid)) for uid in uids]
    return [item for item in found if item is not None]


async def mark(owner: Owner, *uids: int, is_flagged: bool = True) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        await set_flags(tx, await locate(tx, list(uids)), is_unread=None, is_flagged=is_flagged)


async def remove(owner: Owner, *uids: int) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mails(tx, await locate(tx, list(uids)))


async def add(owner: Owner, *numbers: int) -> None:
    for number in numbers:
        await owner.add_mails([make_filing(number)])


def uids(delta: MailDelta) -> dict[str, list[int]]:
    """Return what a delta tells, by list."""
    lists = {"new": delta.new, "replaced": delta.replaced, "updated": delta.updated}
    told = {name: [int(mail.uid) for mail in mails] for name, mails in lists.items() if mails}
    return told | ({"removed": [int(uid) for uid in delta.removed]} if delta.removed else {})


# Mails


async def test_everything_is_new_from_nothing(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3)
    await mark(owner, 1)
    await remove(owner, 2)
    delta = await copy.ask()
    assert uids(delta) == {"new": [3, 1]}
    assert (delta.is_reset, delta.has_more, delta.total_items) == (False, False, 2)
    assert delta.token == await token_of(owner)
    assert copy.mails == await list_folder(owner)


async def test_an_empty_token_is_none(owner: Owner, copy: Copy) -> None:
    await add(owner, 1)
    copy.token = ""
    assert uids(await copy.ask()) == {"new": [1]}


async def test_each_change_is_in_its_list(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3, 4)
    copy.token = await token_of(owner)
    copy.mails = await list_folder(owner)
    await mark(owner, 1)
    await remove(owner, 2)
    await add(owner, 5, 6)
    await remove(owner, 6)
    await mark(owner, 5)
    async with owner.store.transaction(owner.account_id) as tx:
        await move_mails(tx, await locate(tx, [3]), SENT)
    assert uids(await copy.ask()) == {"new": [5], "updated": [1], "removed": [2, 3]}
    assert copy.mails == await list_folder(owner)
    assert copy.token == await token_of(owner)


async def test_a_mail_with_another_content_is_replaced(owner: Owner, copy: Copy) -> None:
    await add(owner, 1)
    await copy.finish()
    # Drafts are saved over by what comes later: here the row is changed as that will do.
    async with owner.store.engine.write() as connection:
        for statement in (
            "UPDATE mailbox SET modseq = modseq + 1, folders_modseq = modseq + 1 WHERE account_id = $1",
            "UPDATE mail SET modseq = modseq + 1, replaced_modseq = modseq + 1 WHERE account_id = $1",
            "UPDATE folder SET content_modseq = content_modseq + 1 WHERE account_id = $1 AND folder_id = 2",
        ):
            await connection.execute(statement, owner.account_id)
    assert uids(await copy.ask()) == {"replaced": [1]}
    await mark(owner, 1)
    assert uids(await copy.ask()) == {"updated": [1]}


async def test_nothing_has_changed(owner: Owner, copy: Copy) -> None:
    await add(owner, 1)
    await copy.finish()
    token = copy.token
    async with owner.store.transaction(owner.account_id) as tx:
        await file_mail(tx, make_filing(7), SENT, date=DATE, flags=Flags())
    delta = await copy.ask()
    assert (uids(delta), delta.token, delta.total_items) == ({}, token, 1)


async def test_pages(owner: Owner, copy: Copy) -> None:
    await owner.add_mails([make_filing(number) for number in range(1, 11)])
    pages = [uids(await copy.ask(4)) for _ in range(3)]
    # All of one transaction have one modseq, so that pages end between them.
    assert pages == [{"new": [1, 2, 3, 4]}, {"new": [5, 6, 7, 8]}, {"new": [9, 10]}]
    assert copy.token == await token_of(owner)


async def test_a_page_that_is_just_full_is_the_last(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2)
    assert not (await copy.ask(2)).has_more
    await mark(owner, 1)
    await remove(owner, 2)
    assert (await copy.ask(1)).has_more
    assert not (await copy.ask(1)).has_more
    assert copy.mails == await list_folder(owner)


async def test_what_came_and_went_is_in_no_page(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3)
    copy.token = await token_of(owner)
    copy.mails = await list_folder(owner)
    await mark(owner, 1)
    await add(owner, 4, 5)
    await remove(owner, 4)
    await mark(owner, 2)
    # On the second page the place is behind the coming of mail 4, which was gone before the first.
    assert [uids(await copy.ask(limit)) for limit in (2, 1, 1)] == [
        {"new": [5], "updated": [1]},
        {"updated": [2]},
        {},
    ]


@pytest.mark.parametrize("is_marked", [False, True])
async def test_a_mail_that_goes_inside_a_chain_is_removed(owner: Owner, copy: Copy, is_marked: bool) -> None:
    await add(owner, 1)
    await copy.finish()
    await add(owner, 2, 3, 4)
    assert uids(await copy.ask(2)) == {"new": [2, 3]}
    if is_marked:
        await mark(owner, 2)
    await remove(owner, 2)
    assert uids(await copy.ask(1)) == {"new": [4]}
    assert uids(await copy.ask(1)) == {"removed": [2]}
    assert copy.mails == await list_folder(owner)


async def test_what_comes_and_goes_between_two_pages_is_in_none(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3)
    assert uids(await copy.ask(1)) == {"new": [1]}
    await add(owner, 4)
    await remove(owner, 4)
    assert uids(await copy.ask()) == {"new": [2, 3]}


async def test_a_mail_that_changes_inside_a_chain_is_told_again(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3)
    assert uids(await copy.ask(2)) == {"new": [1, 2]}
    await mark(owner, 1)
    assert uids(await copy.ask(2)) == {"new": [3, 1]}
    assert copy.mails == await list_folder(owner)


async def test_many_changes_that_are_not_told_give_short_pages(
    owner: Owner, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MAX_EXAMINED", 8)
    await add(owner, 1)
    await copy.finish()
    await owner.add_mails([make_filing(number) for number in range(2, 40)])
    await remove(owner, *range(2, 40))
    await mark(owner, 1)
    pages = []
    while (delta := await copy.ask(3)).has_more:
        pages.append(uids(delta))
    assert (set(map(str, pages)), uids(delta)) == ({"{}"}, {"updated": [1]})


async def test_a_chain_from_nothing_looks_at_no_older_removals(
    owner: Owner, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MAX_EXAMINED", 8)
    await owner.add_mails([make_filing(number) for number in range(1, 40)])
    await remove(owner, *range(3, 39))
    assert uids(await copy.ask(2)) == {"new": [1, 2]}
    assert uids(await copy.ask(2)) == {"new": [39]}
    assert copy.token == await token_of(owner)


# What a token is good for


async def refused(copy: Copy) -> PostroomError:
    with pytest.raises(PostroomError) as caught:
        await copy.ask()
    return caught.value


def altered(token: str) -> str:
    """Return a token of which one character is another."""
    return token[:-5] + ("B" if token[-5] == "A" else "A") + token[-4:]


async def test_tokens_of_other_lists_are_refused(owner: Owner, add_owner: AddOwner, copy: Copy) -> None:
    other = await add_owner("berta")
    tokens = owner.domain.tokens
    for token in (
        await token_of(owner, SENT),
        await token_of(other),
        tokens.folders_token(owner.account_id, Modseq(1), "all"),
        altered(await token_of(owner)),
        (await token_of(owner)) + "=",
        "nonsense",
        "ü",
    ):
        copy.token = token
        error = await refused(copy)
        assert (error.kind, error.details) == (Kind.INVALID, {"parameter": "syncToken"}), token


async def test_other_accounts_and_lost_folders_are_not_found(
    owner: Owner, add_owner: AddOwner, copy: Copy
) -> None:
    other = await add_owner("berta")
    for ref in (other.folder(), owner.folder(FolderId(999))):
        for call in (
            owner.domain.deltas.mails(copy.caller, ref, text=None, limit=1),
            owner.domain.deltas.find_present(copy.caller, ref, None),
        ):
            with pytest.raises(PostroomError) as caught:
                await call
            assert caught.value.kind is Kind.NOT_FOUND


def inside(owner: Owner, token: str, **changes: object) -> str:
    """Return a token of the store that says something else."""
    told = owner.domain.tokens.parse(token, kind="mails")
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    return owner.domain.tokens.render(SyncToken(**{**fields, **changes}))


async def test_tokens_of_another_history_start_anew(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2)
    await copy.ask(1)
    chained, token = copy.token, await token_of(owner)
    assert chained is not None
    chain = owner.domain.tokens.parse(chained, kind="mails").chain
    assert chain is not None
    for text in (
        inside(owner, token, validity=7),
        inside(owner, token, modseq=99),
        inside(owner, chained, validity=7),
        inside(owner, chained, modseq=99),
        inside(owner, chained, chain=type(chain)(99, 1, chain.first)),
        inside(owner, chained, chain=type(chain)(chain.modseq, chain.uid, 99)),
    ):
        copy.token, copy.mails = text, {}
        delta = await copy.ask(1)
        assert (delta.is_reset, delta.has_more, uids(delta)) == (True, True, {"new": [1]})
        delta = await copy.ask(1)
        assert (delta.is_reset, delta.has_more, uids(delta)) == (False, False, {"new": [2]})


async def purge(owner: Owner, removals: int) -> None:
    purged = await purge_history(
        owner.store, owner.account_id, RetentionConfig(), now_ms=int((time.time() + YEAR_SECONDS) * 1000)
    )
    assert purged.removals == removals


async def test_a_token_with_forgotten_removals_starts_anew(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3)
    await copy.finish()
    await remove(owner, 1)
    fresh = Copy(owner, copy.caller)
    await fresh.finish()
    await purge(owner, 1)
    delta = await copy.ask()
    assert (delta.is_reset, uids(delta)) == (True, {"new": [2, 3]})
    await mark(owner, 2)
    delta = await fresh.ask()
    assert (delta.is_reset, uids(delta)) == (False, {"updated": [2]})
    assert copy.mails.keys() == fresh.mails.keys()


async def test_what_other_folders_forget_does_no_harm(owner: Owner, copy: Copy) -> None:
    await add(owner, 1)
    await copy.finish()
    async with owner.store.transaction(owner.account_id) as tx:
        await file_mail(tx, make_filing(2), SENT, date=DATE, flags=Flags())
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mails(tx, await locate(tx, [1], SENT))
    await purge(owner, 1)
    await mark(owner, 1)
    delta = await copy.ask()
    assert (delta.is_reset, uids(delta)) == (False, {"updated": [1]})


async def test_chains_and_forgotten_removals(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3, 4, 5)
    await remove(owner, 5)
    await purge(owner, 1)
    # What was forgotten before a chain from nothing began is nothing to it.
    assert uids(await copy.ask(2)) == {"new": [1, 2]}
    assert uids(await copy.ask(1)) == {"new": [3]}
    stopped = Copy(owner, copy.caller, token=copy.token, mails=dict(copy.mails))
    await copy.finish()
    assert copy.mails == await list_folder(owner)
    await remove(owner, 1)
    await purge(owner, 1)
    assert (await stopped.ask(1)).is_reset
    await stopped.finish()
    assert stopped.mails == await list_folder(owner)


async def test_a_chain_from_a_token_that_misses_removals_starts_anew(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3, 4)
    await copy.finish()
    await mark(owner, 1)
    await remove(owner, 2)
    await mark(owner, 3)
    assert uids(await copy.ask(1)) == {"updated": [1]}
    await purge(owner, 1)
    assert (await copy.ask(1)).is_reset
    await copy.finish()
    assert copy.mails == await list_folder(owner)


async def test_a_chain_that_has_told_of_a_removal_goes_on(owner: Owner, copy: Copy) -> None:
    await add(owner, 1, 2, 3, 4)
    await copy.finish()
    await remove(owner, 2)
    await mark(owner, 1)
    await mark(owner, 3)
    assert uids(await copy.ask(2)) == {"updated": [1], "removed": [2]}
    await purge(owner, 1)
    assert uids(await copy.ask(2)) == {"updated": [3]}


# Folders


class Tree:
    """Changes of folders, made as the program makes them."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner

    async def move(self, folder_id: FolderId, parent_id: FolderId, name: str) -> None:
        async with self.owner.store.transaction(self.owner.account_id) as tx:
            state = await tx.advance()
            folder = await tx.folders.find(folder_id)
            assert folder is not None
            await tx.traces.note_past(
                folder_id, modseq=state.modseq, parent_id=folder.parent_id, moved_at=DATE * 1000
            )
            await tx.folders.place(
                folder_id, parent_id=parent_id, name=name, name_key=name_key(name), modseq=state.modseq
            )

    async def remove(self, *folder_ids: FolderId) -> None:
        async with self.owner.store.transaction(self.owner.account_id) as tx:
            state = await tx.advance()
            for folder_id in folder_ids:
                folder = await tx.folders.find(folder_id)
                assert folder is not None
                await tx.traces.note_past(
                    folder_id, modseq=state.modseq, parent_id=folder.parent_id, moved_at=DATE * 1000
                )
                await tx.folders.delete(folder_id)
                await tx.operations.bury(
                    [Grave(folder_id, 0, folder.created_modseq, state.modseq)],
                    removed_at=DATE * 1000,
                )


@pytest.fixture
def tree(owner: Owner) -> Tree:
    """The folders of the owner."""
    return Tree(owner)


async def ask(owner: Owner, text: str | None = None, access_mode: str = "all") -> FolderDelta:
    return await owner.domain.deltas.folders(await owner.caller(), text=text, access_mode=access_mode)


async def folders_token(owner: Owner, access_mode: str = "all") -> str:
    state = await owner.domain.folders.state(await owner.caller(), access_mode)
    return owner.domain.tokens.folders_token(
        owner.account_id, state.modseq, access_mode, standings=state.standings
    )


async def test_all_folders_are_new_from_nothing(owner: Owner, tree: Tree) -> None:
    low = await owner.add_folder("Low")
    high = await owner.add_folder("High")
    await tree.move(low, high, "Low")
    for text in (None, ""):
        delta = await ask(owner, text)
        assert [folder.folder_id for folder in delta.new] == [*range(INBOX, low), high, low]
        assert delta == FolderDelta(await folders_token(owner), new=delta.new)
    assert await ask(owner, delta.token) == FolderDelta(delta.token)


async def test_changes_of_folders(owner: Owner, tree: Tree) -> None:
    parts = {name: await owner.add_folder(name) for name in ("Top", "Renamed", "Moved", "Gone")}
    token = await folders_token(owner)
    await tree.move(parts["Renamed"], ROOT, "Another")
    await tree.move(parts["Moved"], parts["Top"], "Moved")
    await tree.move(parts["Moved"], parts["Renamed"], "Moved twice")
    await add(owner, 1)
    await tree.remove(parts["Gone"])
    below = await owner.add_folder("Below", parent_id=parts["Moved"])
    short = await owner.add_folder("Short")
    await tree.remove(short)
    delta = await ask(owner, token)
    assert [folder.folder_id for folder in delta.new] == [below]
    assert [(change.folder.folder_id, change.old_parent_id) for change in delta.changed] == [
        (INBOX, None),
        (parts["Renamed"], ROOT),
        (parts["Moved"], ROOT),
    ]
    assert delta.removed == (parts["Gone"],)
    assert (delta.token, delta.is_reset) == (await folders_token(owner), False)


async def test_the_old_parent_is_that_of_the_token(owner: Owner, tree: Tree) -> None:
    first, second, child = [await owner.add_folder(name) for name in ("First", "Second", "Child")]
    await tree.move(child, first, "Child")
    token = await folders_token(owner)
    await tree.move(child, second, "Child")
    await tree.move(child, ROOT, "Child")
    [change] = (await ask(owner, token)).changed
    assert (change.folder.parent_id, change.old_parent_id) == (ROOT, first)


async def test_removed_folders_come_before_their_parents(owner: Owner, tree: Tree) -> None:
    middle, child, top = [await owner.add_folder(name) for name in ("Middle", "Child", "Top")]
    await tree.move(middle, top, "Middle")
    await tree.move(child, middle, "Child")
    token = await folders_token(owner)
    await tree.move(child, ROOT, "Child")
    await tree.remove(middle, top)
    await tree.remove(child)
    assert (await ask(owner, token)).removed == (child, middle, top)


async def test_tokens_of_access_modes(owner: Owner) -> None:
    everything = {folder.folder_id for folder in (await ask(owner)).new}
    for mode, known in (("all", "public"), ("all", "shared"), ("all", "local")):
        delta = await ask(owner, await folders_token(owner, known), mode)
        told = {folder.folder_id for folder in delta.new}
        assert told == (set() if known == "local" else everything)
        assert not delta.is_reset
        assert delta.token == await folders_token(owner, mode)
    for mode in ("public", "shared"):
        assert await ask(owner, None, mode) == FolderDelta(await folders_token(owner, mode))
    for mode, known in (("local", "all"), ("public", "all"), ("local", "shared"), ("public", "local")):
        with pytest.raises(PostroomError) as caught:
            await ask(owner, await folders_token(owner, known), mode)
        assert (caught.value.kind, caught.value.details) == (Kind.INVALID, {"parameter": "syncToken"})


async def test_folder_tokens_of_others_are_refused(owner: Owner, add_owner: AddOwner) -> None:
    other = await add_owner("berta")
    for text in (await folders_token(other), await token_of(owner), "x", (await folders_token(owner)) + "A"):
        with pytest.raises(PostroomError) as caught:
            await ask(owner, text)
        assert (caught.value.kind, caught.value.details) == (Kind.INVALID, {"parameter": "syncToken"})


async def test_folder_tokens_of_another_history_reset_the_container(owner: Owner, tree: Tree) -> None:
    gone, kept = [await owner.add_folder(name) for name in ("Gone", "Kept")]
    old = await folders_token(owner)
    await tree.remove(gone)
    present = await folders_token(owner)
    await purge(owner, 2)
    ahead = owner.domain.tokens.folders_token(owner.account_id, Modseq(99), "all")
    for text in (old, ahead):
        delta = await ask(owner, text)
        assert (delta.is_reset, delta.token, delta.changed, delta.removed) == (True, present, (), ())
        assert {folder.folder_id for folder in delta.new} == {*range(INBOX, gone), kept}
    assert await ask(owner, present) == FolderDelta(present)
