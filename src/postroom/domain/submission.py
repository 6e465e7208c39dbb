"""Submission: accounts send mail by SMTP (RFC 6409), through the same outgoing queue as by the API.

Whom a message is from is not the client's to choose: reverse-path, From and Sender are addresses of the account, its
aliases and what domain aliases make of them included (RFC 6409 §6.1). The null reverse-path is taken, because
receipts have it (RFC 8098 §2.1).

A message is held by the queue alone: it lies in no folder. When :meth:`Submission.submit` returns, content and queue
entry are durable, in one transaction.
"""

import base64
from collections.abc import Mapping

from postroom.auth.credentials import not_authenticated
from postroom.compose.addresses import parse_address_list
from postroom.config.classes import AccountClass, class_of
from postroom.domain.addresses import normalise_domain
from postroom.domain.automatic import is_own
from postroom.domain.clock import Clock
from postroom.domain.contents import hold_content
from postroom.domain.ingest import Ingest
from postroom.domain.logins import Logins
from postroom.domain.outbox import Addressee, Message, enqueue, read_message_id
from postroom.domain.queue_room import QueueRoom
from postroom.domain.routing import Route, Routing
from postroom.errors import Kind, PostroomError
from postroom.mime.raw import Raw
from postroom.model.account import ALL, FULL, Caller, permits
from postroom.model.ids import AccountId
from postroom.model.outgoing import SUBMITTED, ProcessingId
from postroom.model.submission import Submitted, SubmittedRecipient
from postroom.store import Store

_MAX_AUTHORS = 20


class Submission:
    """The use cases of mail programs that send."""

    def __init__(
        self,
        store: Store,
        logins: Logins,
        *,
        ingest: Ingest,
        routing: Routing,
        classes: Mapping[str, AccountClass],
        clock: Clock,
    ) -> None:
        self._store = store
        self._logins = logins
        self._ingest = ingest
        self._routing = routing
        self._classes = classes
        self._room = QueueRoom(classes)
        self._clock = clock

    async def login(self, name: str, password: str, *, client: str) -> Caller:
        """Return who has that name and password; limits on guessing are those of all logins.

        Args:
            name: an address of an account, or its local part where there is a primary domain.
            password: the password, or an app password that may do everything.
            client: the source address.

        Raises: notAuthenticated; passwordChangeRequired; secondFactorRequired; tooManyRequests; unavailable.
        """
        if ":" in name:  # It would become part of the password.
            raise not_authenticated()
        credentials = base64.b64encode(f"{name}:{password}".encode()).decode("ascii")
        caller = await self._logins.authenticate(f"Basic {credentials}", None, client=client)
        if not permits(caller.scope, ALL):
            raise not_authenticated()
        if self._logins.must_change(caller):
            raise PostroomError(
                Kind.DENIED, "passwordChangeRequired", "The password must be changed first, in the webmail"
            )
        if caller.stage != FULL:
            raise PostroomError(
                Kind.DENIED,
                "secondFactorRequired",
                "2-step verification must be set up first, in the webmail",
            )
        return caller

    async def is_current(self, caller: Caller) -> bool:
        """Tell whether a login still holds; sessions have nothing to do with it. Raises: unavailable."""
        return await self._logins.holds(caller)

    def max_recipients(self, caller: Caller) -> int:
        """Return how many recipients a message may have."""
        account_class = class_of(self._classes, caller.class_name)
        return account_class.max_recipients

    async def check_sender(self, caller: Caller, sender: str) -> str:
        """Return a reverse-path as it goes on the wire, its domain as A-labels.

        Raises: senderNotOwn where it is not the account's; unavailable.
        """
        if not sender:
            return ""
        if not await self._is_own(caller.account_id, sender):
            raise _not_own(f"{sender} is not an address of this account")
        local_part, _, domain = sender.rpartition("@")
        return f"{local_part}@{normalise_domain(domain)}"

    async def route(self, address: str) -> Route:
        """Return which way a recipient's mail goes. Raises: badRecipient; unavailable."""
        try:
            return await self._routing.find(address)
        except PostroomError as error:
            if error.code != "badParameter":
                raise
            raise PostroomError(Kind.INVALID, "badRecipient", error.message) from None

    async def submit(self, caller: Caller, submitted: Submitted, content: Raw) -> ProcessingId:
        """Put a message into the outgoing queue, to be sent at once; return its number there.

        Raises: senderNotOwn; badMessage; queueFull; notAuthenticated where the account has gone; unavailable.
        """
        await self._check_authors(caller, submitted)
        digest = await self._ingest.prepare(content, [caller.account_id])
        now = self._clock.now_ms()
        try:
            async with self._store.transaction(caller.account_id) as tx:
                await self._room.take(tx, caller)
                content_id = await hold_content(tx, digest)
                message = Message(
                    sender=submitted.sender,
                    content_id=content_id,
                    size_bytes=digest.size_bytes,
                    release_at=now,
                    kind=SUBMITTED,
                    needs_smtputf8=_needs_smtputf8(submitted),
                    is_8bit=submitted.is_8bit,
                    ret=submitted.ret,
                    envid=submitted.envid,
                    message_id=read_message_id(digest) if submitted.sender else "",
                )
                addressees = [_addressee(recipient) for recipient in submitted.recipients]
                processing_id = await enqueue(tx, message, addressees, now=now)
                # The queue has a reference of its own.
                await tx.contents.release(content_id)
        except PostroomError as error:
            if error.code == "tooManyRequests":
                raise PostroomError(error.kind, "queueFull", error.message) from None
            if error.code != "notFound":
                raise
            raise not_authenticated() from None
        return processing_id

    async def _check_authors(self, caller: Caller, submitted: Submitted) -> None:
        for name, value in (("From", submitted.from_), ("Sender", submitted.sender_field)):
            if not value:
                continue
            try:
                authors = parse_address_list(value, parameter=name)
            except PostroomError as error:
                raise PostroomError(Kind.INVALID, "badMessage", f"{name}: {error.message}") from None
            if not authors or len(authors) > _MAX_AUTHORS:
                raise PostroomError(Kind.INVALID, "badMessage", f"{name} must name the author")
            for author in authors:
                if not await self._is_own(caller.account_id, author.addr_spec):
                    raise _not_own(f"{name}: {author.addr_spec} is not an address of this account")

    async def _is_own(self, account_id: AccountId, address: str) -> bool:
        async with self._store.directory() as directory:
            return await is_own(directory.directory, account_id, address, now=self._clock.now_ms())


def _addressee(recipient: SubmittedRecipient) -> Addressee:
    route = Route(recipient.address, recipient.destination)
    return Addressee(route, notify=recipient.notify, orcpt=recipient.orcpt)


def _needs_smtputf8(submitted: Submitted) -> bool:
    """Tell whether all recipients need SMTPUTF8; that of single recipients is looked at when they are sent to."""
    return submitted.needs_smtputf8 or not submitted.sender.isascii()


def _not_own(message: str) -> PostroomError:
    return PostroomError(Kind.DENIED, "senderNotOwn", message)
