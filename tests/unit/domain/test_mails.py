"""Lists, single mails and flags, as a caller sees them."""

import json

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner, make_filing, make_message

from postroom.domain import Domain
from postroom.domain.messages import read_summary
from postroom.domain.shared_folders import parents_first
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, Folder
from postroom.model.ids import FolderId, FolderRef, MailRef, Modseq, Uid
from postroom.model.listing import MailListRequest, SortField
from postroom.model.settings import SettingsChange


async def refusal(call: object) -> Kind:
    with pytest.raises(PostroomError) as caught:
        await call  # type: ignore[misc]
    return caught.value.kind


async def test_a_filed_mail_is_listed(owner: Owner, domain: Domain) -> None:
    ref = await owner.add_mail(make_message(subject="Hi"))
    await owner.add_many(20)
    caller = await owner.caller()
    page = await domain.mails.list(caller, owner.folder(), MailListRequest(limit=50))
    assert page.folder.total_items == len(page.mails) == 21
    assert page.folder == await domain.mails.folder_state(caller, owner.folder())
    mail = await domain.mails.get(caller, ref)
    assert mail in page.mails
    assert read_summary(mail).subject == "Hi"


async def test_pages(owner: Owner, domain: Domain) -> None:
    await owner.add_mails([make_filing(number) for number in range(7)])
    caller = await owner.caller()
    await domain.settings.update(caller, SettingsChange(page_size=3))

    async def uids(start: int = 0, limit: int | None = None) -> list[int]:
        request = MailListRequest(start=start, limit=limit)
        return [mail.uid for mail in (await domain.mails.list(caller, owner.folder(), request)).mails]

    assert await uids() == [7, 6, 5]
    assert await uids(5) == [2, 1]
    assert await uids(2, 4) == [5, 4, 3, 2]
    assert await uids(7) == []
    assert await uids(1 << 40) == []


async def test_the_active_mail(add_owner: AddOwner, domain: Domain) -> None:
    owner, other = await add_owner("anna"), await add_owner("berta")
    mails = await owner.add_mails([make_filing(number) for number in range(5)])
    stranger = await other.add_mail()
    caller = await owner.caller()

    async def row(active: MailRef | None, *, descending: bool = True) -> int:
        request = MailListRequest(SortField.DATE, descending, limit=1, active=active)
        return (await domain.mails.list(caller, owner.folder(), request)).active_row

    for place, mail in enumerate(mails):
        ref = MailRef(owner.account_id, INBOX, mail.uid)
        assert await row(ref) == 4 - place
        assert await row(ref, descending=False) == place
    assert await row(None) == -1
    assert await row(stranger) == -1
    assert await row(MailRef(owner.account_id, INBOX, Uid(99))) == -1
    assert await row(MailRef(owner.account_id, FolderId(3), Uid(1))) == -1


async def test_what_is_another_s_does_not_exist(add_owner: AddOwner, domain: Domain) -> None:
    owner, other = await add_owner("anna"), await add_owner("berta")
    ref, caller = await other.add_mail(), await owner.caller()
    calls = [
        domain.mails.get(caller, ref),
        domain.mail_changes.set_flags(caller, ref, is_unread=False, is_flagged=None),
        domain.mails.list(caller, other.folder(), MailListRequest()),
        domain.mails.folder_state(caller, other.folder()),
        domain.folders.get(caller, other.folder()),
        domain.messages.open(caller, ref),
        domain.attachments.open(caller, ref, 0),
        domain.mails.get(caller, MailRef(owner.account_id, INBOX, Uid(1))),
        domain.mails.folder_state(caller, FolderRef(owner.account_id, FolderId(99))),
    ]
    assert {await refusal(call) for call in calls} == {Kind.NOT_FOUND}
    assert (await domain.mails.get(await other.caller(), ref)).is_unread == 1


async def test_flags(owner: Owner, domain: Domain) -> None:
    ref = await owner.add_mail()
    token = await domain.logins.login(owner.authorization, client="127.0.0.1")
    caller = await owner.caller(token)

    async def set_flags(is_unread: bool | None, is_flagged: bool | None) -> tuple[int, int, int]:
        mail = await domain.mail_changes.set_flags(caller, ref, is_unread=is_unread, is_flagged=is_flagged)
        assert mail == await domain.mails.get(caller, ref)
        return mail.is_unread, mail.is_flagged, mail.modseq

    assert await set_flags(None, None) == (1, 0, 2)
    assert await set_flags(True, False) == (1, 0, 2)
    assert await set_flags(False, None) == (0, 0, 3)
    assert await set_flags(None, True) == (0, 1, 4)
    assert await set_flags(True, False) == (1, 0, 5)
    async with owner.store.read(owner.account_id) as mailbox:
        operations = await mailbox.operations.list_after(Modseq(2), limit=10)
        state = await mailbox.mailbox.find()
    assert state is not None
    assert state.modseq == 5
    assert [operation.session_id for operation in operations] == [caller.session_id] * 3
    assert json.loads(operations[-1].data) == {"steps": [["mark", 2, [[1, 1, 2, 1]]]]}


async def test_counters(owner: Owner, domain: Domain) -> None:
    ref = await owner.add_mail(date=DATE)
    await owner.add_mail(make_message(subject="other"))
    caller = await owner.caller()
    assert await domain.counters.unread(caller) == 2
    await domain.mail_changes.set_flags(caller, ref, is_unread=False, is_flagged=None)
    assert await domain.counters.unread(caller) == 1
    counts = await domain.counters.folders(caller)
    assert [count.folder_id for count in counts] == [2, 3, 4, 5, 6, 7]
    assert counts[0][2:4] == (1, 2)
    assert await domain.counters.labels(caller) == []
    badge = domain.counters.find_fast(owner.authorization.encode(), None)
    assert badge == (1 if owner.store.engine.answers_now else None)
    assert domain.counters.find_fast(None, None) is None


async def test_an_account_that_is_gone_has_nothing(owner: Owner, domain: Domain) -> None:
    ref, caller = await owner.add_mail(), await owner.caller()
    async with owner.store.transaction(owner.account_id) as tx:
        await tx.removals.close_mailbox()
    calls = [
        domain.counters.unread(caller),
        domain.folders.list(caller),
        domain.folders.state(caller),
        domain.mails.list(caller, owner.folder(), MailListRequest()),
        domain.mail_changes.set_flags(caller, ref, is_unread=False, is_flagged=None),
        domain.accounts.info(caller),
    ]
    assert {await refusal(call) for call in calls} == {Kind.NOT_FOUND}


async def test_folders(owner: Owner, domain: Domain) -> None:
    caller = await owner.caller()
    before = await domain.folders.list(caller)
    projects = await owner.add_folder("Projects")
    below = await owner.add_folder("Below", parent_id=INBOX)
    listed = await domain.folders.list(caller)
    assert [folder.folder_id for folder in listed.folders] == [2, below, *range(3, 13), projects]
    assert listed.state.modseq == before.state.modseq + 2
    assert await domain.folders.state(caller) == listed.state
    found = await domain.folders.get(caller, owner.folder(below))
    assert (found.owner.address, found.owner.full_name) == ("anna@example.test", "Anna Example")
    assert (found.folder, listed.shared) == (listed.folders[1], [])


def test_parents_come_first() -> None:
    def folder(number: int, parent: int) -> Folder:
        return Folder(1, number, parent, "", "", "", 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1)  # type: ignore[arg-type]

    folders = [folder(*pair) for pair in ((2, 1), (3, 9), (4, 2), (9, 2), (5, 1), (6, 4))]
    assert [one.folder_id for one in parents_first(folders)] == [2, 4, 6, 9, 3, 5]
    assert parents_first([]) == []


async def test_account_info(owner: Owner, domain: Domain) -> None:
    await owner.add_mail()
    first = await owner.caller(await domain.logins.login(owner.authorization, client="127.0.0.1"))
    info = await domain.accounts.info(first)
    assert (info.account.address, info.total_items, info.is_first_login) == ("anna@example.test", 1, True)
    assert info.size_bytes == len(make_message())
    assert not (await domain.accounts.info(await owner.caller())).is_first_login


async def test_health(owner: Owner, domain: Domain) -> None:
    assert owner.account_id
    await domain.health.ready()
    await owner.store.close()
    assert await refusal(domain.health.ready()) is Kind.UNAVAILABLE
