"""Signatures: texts that programs put below what their user writes.

An HTML signature is made safe when it comes in, as HTML of mail is before it is shown (level 1, with the images it
refers to): programs put it into their editor as it is, and a script in it would run there as the owner, for as long
as the signature stays. What is kept is what is answered; making it safe again changes nothing. Plain text is kept as
given.
"""

from postroom.content.show import ShowTask
from postroom.content.work import ContentWork
from postroom.domain.access import require_own
from postroom.domain.numbers import take_number
from postroom.domain.texts import clean_line
from postroom.errors import bad_parameter, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.mail import Part
from postroom.model.profile import (
    Signature,
    SignatureChange,
    SignatureHead,
    SignatureId,
    SignatureKind,
    SignatureRef,
)
from postroom.store import Store
from postroom.store.tx import Snapshot

MAX_SIGNATURES = 50
"""Of an account."""
MAX_NAME_CHARACTERS = 128
MAX_BODY_BYTES = 128 * 1024
_LEVEL = 1
_WHAT = "the signature"
_HTML = Part(
    id=0,
    content_type="text/html",
    charset="utf-8",
    encoding="8bit",
    disposition="",
    filename="",
    content_id="",
    header_start=0,
    body_start=0,
    end=0,
    estimated_size=0,
)


class Signatures:
    """The signatures of callers."""

    def __init__(self, store: Store, work: ContentWork | None = None) -> None:
        self._store = store
        self._work = work or ContentWork()

    async def list(self, caller: Caller) -> list[SignatureHead]:
        """Return the caller's signatures without their texts, the oldest first. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await mailbox.signatures.list_all()

    async def get(self, caller: Caller, ref: SignatureRef) -> Signature:
        """Return a signature. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, _WHAT)
        async with self._store.peek(ref.owner) as mailbox:
            return await _get(mailbox, ref.signature)

    async def create(self, caller: Caller, name: str, kind: SignatureKind, *, body: str) -> Signature:
        """Make a signature; return it. Raises: badParameter; notPermitted; notFound; unavailable."""
        name, body = _check_name(name), await self._check_body(body, kind)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            number = await take_number(tx)
            if len(await tx.signatures.list_all()) >= MAX_SIGNATURES:
                raise not_permitted(f"an account has at most {MAX_SIGNATURES} signatures")
            made = Signature(SignatureId(number), name, kind, body)
            await tx.signatures.put(made)
        return made

    async def change(self, caller: Caller, ref: SignatureRef, change: SignatureChange) -> None:
        """Change what is given of a signature. Raises: badParameter; notFound; unavailable."""
        require_own(caller, ref.owner, _WHAT)
        name = None if change.name is None else _check_name(change.name)
        while True:
            found = await self.get(caller, ref)
            kind = change.kind or found.kind
            body = found.body if change.body is None else change.body
            if change.body is not None or kind != found.kind:
                body = await self._check_body(body, kind)
            async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
                await tx.lock()
                if await _get(tx, ref.signature) != found:
                    continue  # Somebody else changed it meanwhile.
                await tx.signatures.put(Signature(ref.signature, name or found.name, kind, body))
                return

    async def delete(self, caller: Caller, ref: SignatureRef) -> None:
        """Remove a signature. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, _WHAT)
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            if not await tx.signatures.delete(ref.signature):
                raise not_found(_WHAT)

    async def _check_body(self, body: str, kind: SignatureKind) -> str:
        """Return a text as it is kept. Raises: badParameter."""
        try:
            source = body.encode()
        except UnicodeEncodeError:
            raise bad_parameter("body", "body has half a character (a lone surrogate)") from None
        _check_size(source)
        if "\0" in body:
            raise bad_parameter("body", "body must not hold U+0000")
        if kind == "text":
            return body
        shown = await self._work.show(
            ShowTask(
                source=source,
                part=_HTML,
                kind="html",
                level=_LEVEL,
                show_external_images=True,
                images={},
                max_chars=None,
                find_quotes=False,
            )
        )
        _check_size(shown.data)
        return shown.data.decode()


def _check_size(source: bytes) -> None:
    if len(source) > MAX_BODY_BYTES:
        raise bad_parameter("body", f"body must have at most {MAX_BODY_BYTES} bytes")


def _check_name(name: str) -> str:
    return clean_line(name, "name", least=1, most=MAX_NAME_CHARACTERS)


async def _get(mailbox: Snapshot, signature_id: SignatureId) -> Signature:
    found = await mailbox.signatures.find(signature_id)
    if found is None:
        raise not_found(_WHAT)
    return found
