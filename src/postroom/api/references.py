"""Mails as they are shown, with what drafts answer or forward: that is looked up only where a page has drafts."""

from collections.abc import Mapping, Sequence

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.schemas.mails import Mail, Referred, render_mail
from postroom.api.schemas.sending import MessageFields, read_letter
from postroom.domain.letters import Letter
from postroom.model.ids import AccountId, ItemId, MailRef, Uid
from postroom.model.mail import Mail as StoredMail


async def find_references(
    request: Call, owner: AccountId, mails: Sequence[StoredMail]
) -> Mapping[ItemId, Referred]:
    """Return, by the number of the draft, what those of the mails that are drafts answer or forward."""
    if owner != request.caller.account_id:
        # What another's draft answers may lie in a folder of his that nobody else sees.
        return {}
    found = await request.domain.drafts.find_references(owner, mails)
    return {
        item_id: Referred(
            "re" if shown.refw_type == "re" else "fw", ids.render_mail(owner, shown.folder_id, shown.uid)
        )
        for item_id, shown in found.items()
    }


async def show_mail(request: Call, owner: AccountId, mail: StoredMail) -> Mail:
    """Return a mail as it is shown."""
    if not mail.is_draft:
        return render_mail(owner, mail)
    return render_mail(owner, mail, await find_references(request, owner, [mail]))


async def find_mail(request: Call, text: str, parameter: str) -> MailRef:
    """Return the proper name of a mail, whichever of its names ``text`` is.

    Raises: badParameter naming ``parameter``; notFound for what a search folder has not; unavailable.
    """
    return await request.domain.search_folders.resolve(request.caller, ids.parse_mail(text, parameter))


async def show_named(request: Call, owner: AccountId, mail: StoredMail) -> Mail:
    """Return the mail in the path as it is shown: in the search folder, if it was named as one of it."""
    search_id = request.exchange.search_folder
    if search_id is None:
        return await show_mail(request, owner, mail)
    original = MailRef(owner, mail.folder_id, mail.uid)
    references = await find_references(request, owner, [mail])
    seen = mail._replace(folder_id=search_id, uid=Uid(mail.item_id))
    return render_mail(owner, seen, references, original=original)


async def find_letter(request: Call, fields: MessageFields) -> Letter:
    """Return the letter that a body asks for. Raises: badParameter; notFound; unavailable."""
    letter = read_letter(fields)
    if letter.refw is None:
        return letter
    return letter._replace(refw=await request.domain.search_folders.resolve(request.caller, letter.refw))
