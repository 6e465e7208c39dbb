"""What drafts answer or forward, as mails show it: looked up only where a page has drafts."""

from collections.abc import Mapping, Sequence

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.schemas.mails import Mail, Referred, render_mail
from postroom.model.ids import AccountId, ItemId
from postroom.model.mail import Mail as StoredMail


async def find_references(
    request: Call, owner: AccountId, mails: Sequence[StoredMail]
) -> Mapping[ItemId, Referred]:
    """Return, by the number of the draft, what those of the mails that are drafts answer or forward."""
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
