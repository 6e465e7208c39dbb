"""Lists, single mails and flags, as a caller sees them."""

from tests.fixtures.factories import Owner, make_message

from postroom.domain import Domain
from postroom.model.listing import MailListRequest


async def test_a_filed_mail_is_listed(owner: Owner, domain: Domain) -> None:
    ref = await owner.add_mail(make_message(subject="Hi"))
    await owner.add_many(20)
    caller = await owner.caller()
    page = await domain.mails.list(caller, owner.folder(), MailListRequest(limit=50))
    assert page.folder.total_items == len(page.mails) == 21
    assert await domain.mails.get(caller, ref) in page.mails
