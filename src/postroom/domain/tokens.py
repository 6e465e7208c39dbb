"""Sync tokens: where in an account's history a client stands, opaque and tamper-proof.

A token is (kind, scope, validity, modseq, place in a chain of pages), packed and signed with a key of the store, so
that all processes understand each other's. Two tokens of one list are equal exactly when nothing visible changed:
the modseq is that of the list's last change. Each has one spelling.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

import msgspec

from postroom.domain.server_secrets import ServerSecrets
from postroom.errors import PostroomError, bad_parameter
from postroom.model.conversation import ConversationRef
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderRef, Modseq

META_NAME = "token_key"
_SIGNATURE_BYTES = 12
_encode = msgspec.msgpack.Encoder().encode


class Chain(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a client stands inside a chain of pages.

    Attributes:
        modseq: of the last change that it was told of.
        uid: of the mail that changed.
        first: where the account's history stood at the first page.
    """

    modseq: int
    uid: int
    first: int


class SyncToken(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a token says. ``kind`` names the list, ``scope`` what of it.

    In a chain of pages, ``modseq`` is where the client stood before its first page.
    """

    kind: str
    scope: tuple[int | str, ...]
    validity: int
    modseq: int
    chain: Chain | None = None


_decoder = msgspec.msgpack.Decoder(SyncToken)


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    async def open(cls, secrets: ServerSecrets) -> "Tokens":
        """Return the tokens of a store, with the key all its processes share. Raises: unavailable."""
        return cls(await secrets.get_own(META_NAME))

    # What is in another's folder has a state of its own for each reader: these tokens say whose they are.

    def folder_token(self, folder: Folder, reader: AccountId | None = None) -> str:
        """Return the token of the list of a folder's mails, as a reader has it (by default its owner)."""
        ref = FolderRef(folder.account_id, folder.folder_id)
        return self.mails_token(
            ref, validity=folder.uid_validity, modseq=folder.content_modseq, reader=reader
        )

    def mails_token(
        self,
        ref: FolderRef,
        *,
        validity: int,
        modseq: int,
        chain: Chain | None = None,
        reader: AccountId | None = None,
    ) -> str:
        """Return a token of the list of a folder's mails, at a position or inside a chain of pages."""
        return self.render(SyncToken("mails", mails_scope(ref, reader), validity, modseq, chain))

    def conversations_token(self, folder: Folder, *, reader: AccountId | None = None) -> str:
        """Return the token of the list of a folder's conversations."""
        ref = FolderRef(folder.account_id, folder.folder_id)
        scope = mails_scope(ref, reader)
        return self.render(
            SyncToken("conversations", scope, folder.uid_validity, folder.conversations_modseq)
        )

    def conversation_token(
        self, ref: ConversationRef, modseq: Modseq, *, reader: AccountId | None = None
    ) -> str:
        """Return the token of the mails of a conversation."""
        scope: tuple[int, ...] = (int(ref.owner), int(ref.conversation))
        if reader not in {None, ref.owner}:
            scope = (*scope, int(reader or 0))
        return self.render(SyncToken("conversation", scope, 0, modseq))

    def folders_token(
        self,
        account_id: AccountId,
        modseq: int,
        access_mode: str,
        *,
        standings: Iterable[tuple[int, int, int]] = (),
    ) -> str:
        """Return the token of the list of folders with that access mode.

        ``modseq`` is that of the account's own folders; ``standings`` tell where those of others stand (see
        :class:`postroom.domain.folders.Standing`).
        """
        scope: tuple[int | str, ...] = (int(account_id), access_mode)
        scope += tuple(number for one in standings for number in one)
        return self.render(SyncToken("folders", scope, 0, modseq))

    def labels_token(self, account_id: AccountId, modseq: Modseq) -> str:
        """Return the token of the list of labels."""
        return self.render(SyncToken("labels", (int(account_id),), 0, modseq))

    def render(self, token: SyncToken) -> str:
        """Return the text of a token."""
        packed = _encode(token)
        return _spell(packed + self._sign(packed))

    def parse(self, text: str, *, kind: str, parameter: str = "syncToken") -> SyncToken:
        """Return what a token says. Raises: badParameter if it was tampered with or is one of another kind."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise refuse_token(parameter) from error
        packed, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(packed)) or _spell(data) != text:
            raise refuse_token(parameter)
        try:
            token = _decoder.decode(packed)
        except msgspec.MsgspecError as error:
            raise refuse_token(parameter) from error
        if token.kind != kind:
            raise refuse_token(parameter)
        return token

    def _sign(self, packed: bytes) -> bytes:
        return hashlib.blake2b(packed, key=self._key, digest_size=_SIGNATURE_BYTES).digest()


def mails_scope(ref: FolderRef, reader: AccountId | None) -> tuple[int, ...]:
    """Return what a token of a folder's list is about; another's folder has one for each reader."""
    scope = (int(ref.owner), int(ref.folder))
    return scope if reader is None or reader == ref.owner else (*scope, int(reader))


def _spell(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refuse_token(parameter: str = "syncToken") -> PostroomError:
    """Return the error for what is no token of the list asked for."""
    return bad_parameter(parameter, f"{parameter} is not a token of this list")
