"""Mail that is sent by itself: what may be answered so (RFC 3834 §2, §4), and how the answer goes into the queue.

An automatic message has the null reverse-path, so that nothing is ever answered to it, and no report is made if it
cannot be delivered. It lies in no folder: the queue alone holds its content, until it is gone.
"""

import re
import secrets
from collections.abc import Iterable, Sequence

from postroom.compose.addresses import Address
from postroom.content.digest import Digest
from postroom.domain.addresses import AccountAddress, find_account_address
from postroom.domain.contents import hold_content
from postroom.domain.outbox import Addressee, Message, enqueue
from postroom.domain.routing import Route
from postroom.mime.address import parse_addresses
from postroom.mime.headers import HeaderField, unfold
from postroom.model.account import Account
from postroom.model.ids import AccountId
from postroom.model.outgoing import ProcessingId
from postroom.store.sql.directory import DirectoryRepo
from postroom.store.tx import Transaction

MAX_ADDRESS_BYTES = 64 << 10
"""Bytes of the recipients' fields of a message in which an account is looked for."""
_MAX_LOOKED_UP = 20

_RECIPIENTS = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
_LIST_FIELDS = frozenset(("mailing-list", "x-mailing-list", "x-beenthere", "x-loop"))
_AUTOMATIC_FIELDS = frozenset(("x-autoreply", "x-autorespond", "x-autorespond-to"))
_MACHINE = re.compile(
    r"""owner-.*|.*-(owner|request|relay|errors?)|(.*[-_.+])?bounces?([-_.+=].*)?|mailer-daemon|postmaster|
    listserv(er)?|majordomo|(.*[-_.+])?(no|do-?not|do_not)[-_.]?reply([-_.+].*)?""",
    re.IGNORECASE | re.VERBOSE,
)
"""Local parts behind which there is nobody to read an answer (RFC 3834 §2, and what is usual)."""


# What may be answered


def is_person(address: str) -> bool:
    """Tell whether somebody may read what is sent to a reverse-path; the null path is nobody's."""
    local_part, _, domain = address.rpartition("@")
    return bool(local_part and domain) and _MACHINE.fullmatch(local_part.strip('"')) is None


def is_answerable(fields: Sequence[HeaderField]) -> bool:
    """Tell whether a message was written by a person to persons: no list, no bulk mail, no program, no spam."""
    return not any(_forbids(field.name.lower(), field.value) for field in fields)


def _forbids(name: str, value: bytes) -> bool:
    if name.startswith("list-") or name in _LIST_FIELDS or name in _AUTOMATIC_FIELDS:
        return True
    match name:
        case "auto-submitted":
            return _word(value) != "no"
        case "precedence":
            return _word(value) in {"bulk", "junk", "list", "auto_reply"}
        case "x-auto-response-suppress":
            return bool({"all", "oof", "autoreply"} & set(re.split(r"[\s,;]+", unfold(value).lower())))
        case "x-spam-flag" | "x-spam-status":
            return _word(value) == "yes"
        case "return-path":
            return unfold(value).strip() == "<>"
        case "content-type":
            return _word(value) == "multipart/report"
    return False


def _word(value: bytes) -> str:
    """Return the first word of a value, in lower case, without what follows it."""
    return re.split(r"[\s;,(]", unfold(value[:1000]).lstrip().lower(), maxsplit=1)[0]


# Whose it is


def account_address(text: str) -> AccountAddress | None:
    """Return an address as accounts have it, without a detail (RFC 5233); None where no account can have it."""
    local_part, _, domain = text.rpartition("@")
    return find_account_address(f"{local_part.partition('+')[0]}@{domain}")


def list_recipients(fields: Iterable[HeaderField]) -> list[AccountAddress]:
    """Return the recipients that a message names, so far as they can be accounts, in order, each once."""
    found: dict[AccountAddress, None] = {}
    left = MAX_ADDRESS_BYTES
    for field in fields:
        if field.name.lower() in _RECIPIENTS and left > 0:
            for mailbox in parse_addresses(field.value[:left]):
                address = account_address(mailbox.address)
                if address is not None:
                    found[address] = None
            left -= len(field.value)
    return list(found)


async def find_named(
    directory: DirectoryRepo,
    account_id: AccountId,
    named: Sequence[AccountAddress],
    *,
    now: int,
    known: Iterable[str] = (),
) -> str | None:
    """Return the first address of an account among those that a message names, None if there is none.

    Args:
        directory: the directory.
        account_id: the account.
        named: what the message names.
        now: the present time in Unix milliseconds.
        known: further addresses that are known to be the account's.
    """
    own = {*await directory.temporary_aliases.list_own(account_id, since=now), *known}
    for address in named:
        if str(address) in own:
            return str(address)
    # By a domain alias, it has a second address of the same local part.
    local_parts = {address.rpartition("@")[0] for address in own}
    alike = [address for address in named if address.local_part in local_parts]
    for address in alike[:_MAX_LOOKED_UP]:
        found = await directory.find_by_address(*address, now=now)
        if found is not None and found.account.account_id == account_id:
            return str(address)
    return None


def make_own(account: Account, address: str) -> Address:
    """Return an account as the author of a message, by one of its addresses."""
    local_part, _, domain = address.rpartition("@")
    return Address(account.full_name, local_part, domain)


async def is_own(directory: DirectoryRepo, account_id: AccountId, address: str, *, now: int) -> bool:
    """Tell whether an address is one of an account at this time (Unix milliseconds)."""
    normalised = account_address(address)
    if normalised is None:
        return False
    found = await directory.find_by_address(*normalised, now=now)
    return found is not None and found.account.account_id == account_id


# Into the queue


def make_message_id(domain: str) -> str:
    """Return a new Message-ID, with its angle brackets, of the domain of who sends the message."""
    return f"<{secrets.token_hex(16)}@{domain.strip('[]')}>"


async def enqueue_automatic(
    tx: Transaction, digest: Digest, route: Route, *, kind: str, is_8bit: bool, now: int
) -> ProcessingId:
    """Put an automatic message into the outgoing queue, to be sent at once.

    Args:
        tx: a transaction of the account that sends it.
        digest: the message, in the blob store if it does not fit its row.
        route: where it goes.
        kind: its kind in the queue.
        is_8bit: it has bytes beyond ASCII.
        now: the present time in Unix milliseconds.
    """
    content_id = await hold_content(tx, digest)
    message = Message(
        sender="",
        content_id=content_id,
        size_bytes=digest.size_bytes,
        release_at=now,
        kind=kind,
        needs_smtputf8=not route.address.isascii(),
        is_8bit=is_8bit,
    )
    processing_id = await enqueue(tx, message, [Addressee(route, notify="NEVER")], now=now)
    # The queue has a reference of its own.
    await tx.contents.release(content_id)
    return processing_id
