"""Why a mail is in its conversation: the rule that joined it, and what matched.

The mails are gone through by date. Each is told of by what it has in common with an earlier one, if there is such,
else with a later. Keys are hashes; what they stand for is read from the messages themselves.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from postroom.domain.shared_conversations import list_members
from postroom.domain.threads import find_keys
from postroom.errors import PostroomError, not_found
from postroom.mime.summary import base_subject
from postroom.mime.threading import find_answered, make_key, own_id, thread_subject
from postroom.model.account import Caller
from postroom.model.conversation import ConversationRef
from postroom.model.mail import Mail, Part, Summary
from postroom.store import Store
from postroom.store.sql.threads import NEAR_SECONDS, Keyed
from postroom.store.tx import Snapshot

MOST_HEADERS_READ = 500
"""Messages whose headers are read; what matched is not told of the others."""
_LONGEST_HEADER_BYTES = 256 << 10
Rule = Literal["reference", "subject", "first"]
"""What joined a mail: an identification, its subject, or nothing, since it is the first."""

_summary = msgspec.msgpack.Decoder(Summary)
_structure = msgspec.msgpack.Decoder(Part)


class Reason(NamedTuple):
    """Why a mail is in its conversation.

    ``rule`` is ``first``, ``reference`` or ``subject``; ``matched`` the message identification or the subject that it
    has in common with another, "" for the first.
    """

    mail: Mail
    rule: Rule
    matched: str


async def find_why(store: Store, caller: Caller, ref: ConversationRef) -> list[Reason]:
    """Return why the mails of a conversation are in it, oldest first. Raises: notFound; unavailable."""
    async with store.read(ref.owner) as mailbox:
        members = await mailbox.conversations.list_members(ref.conversation)
        if ref.owner != caller.account_id:
            # As if there were no others: what matched must not tell of them.
            shown = {one.item_id for one in await list_members(mailbox, caller, ref.conversation)}
            members = [member for member in members if member.item_id in shown]
        located = await mailbox.mails.locate_items([member.item_id for member in members])
        # The mails of a folder that is gone are parted from the conversation later.
        members = [member for member in members if member.item_id in located]
        if not members:
            raise not_found("the conversation")
        keyed = await find_keys(mailbox, members)
        mails = [located[each.item_id].mail for each in keyed]
        names = _Names(store, mailbox)
        return [
            await names.tell(mail, rule, key)
            for mail, (rule, key) in zip(mails, _find_rules(keyed), strict=True)
        ]


def _find_rules(keyed: Sequence[Keyed]) -> list[tuple[Rule, int]]:
    """Return the rule and the key that joined each mail, given them by date."""
    holders: dict[int, list[int]] = {}
    for number, mail in enumerate(keyed):
        for key in {*mail.references, *mail.subjects}:
            holders.setdefault(key, []).append(number)
    return [("first", 0), *(_find_rule(keyed, holders, number) for number in range(1, len(keyed)))]


def _find_rule(keyed: Sequence[Keyed], holders: dict[int, list[int]], number: int) -> tuple[Rule, int]:
    mail = keyed[number]
    # What it answers comes before its own identification, which others may name.
    references = [*mail.references[1:], *mail.references[:1]]
    for is_earlier in (True, False):
        for key in references:
            # Holders are in order, so that the first and the last tell whether there is one before or behind.
            if holders[key][0] < number if is_earlier else holders[key][-1] > number:
                return "reference", key
        for key in mail.subjects:
            if any(
                _is_near(mail, keyed[other])
                for other in holders[key]
                if other != number and (other < number) == is_earlier
            ):
                return "subject", key
    if all(len(holders[key]) == 1 for key in references):
        # What joined it to the others is a mail that is not shown.
        return "reference", 0
    return "reference", references[0]


def _is_near(mail: Keyed, other: Keyed) -> bool:
    return (mail.is_reply or other.is_reply) and abs(mail.date - other.date) <= NEAR_SECONDS


class _Names:
    """Finds what keys stand for."""

    def __init__(self, store: Store, mailbox: Snapshot) -> None:
        self._store = store
        self._mailbox = mailbox
        self._names: dict[int, str] = {}
        self._read = 0

    async def tell(self, mail: Mail, rule: Rule, key: int) -> Reason:
        """Return the reason with what matched."""
        summary = _summary.decode(mail.summary)
        subject, _ = thread_subject(summary.subject)
        name = own_id(summary, sha256=b"")
        self._names.setdefault(make_key(name, subject), name)
        if rule == "subject":
            return Reason(mail, rule, base_subject(summary.subject))
        if rule == "reference" and key not in self._names and self._read < MOST_HEADERS_READ:
            self._read += 1
            for name in await self._find_answered(mail):
                self._names.setdefault(make_key(name, subject), name)
        found = self._names.get(key, "") if rule == "reference" else ""
        return Reason(mail, rule, f"<{found}>" if found else "")

    async def _find_answered(self, mail: Mail) -> list[str]:
        content = await self._mailbox.contents.find(mail.content_id)
        if content is None:
            return []
        root = _structure.decode(content.structure)
        try:
            reader = await self._store.messages.open(self._mailbox.account_id, content)
            try:
                header = await reader.read(0, min(root.body_start, _LONGEST_HEADER_BYTES))
            finally:
                reader.close()
        except PostroomError:  # The message is damaged or missing: why it is here is still known.
            return []
        return find_answered(header, root)
