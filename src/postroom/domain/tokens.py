"""Sync tokens: where in an account's history a client stands, opaque and tamper-proof.

A token is (kind, scope, validity, modseq, position inside a page), packed and signed with a key of the store, so
that all processes understand each other's. Two tokens of one list are equal exactly when nothing visible changed:
the modseq is that of the list's last change.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

from postroom.errors import PostroomError, bad_parameter
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, Modseq
from postroom.store import Store

META_NAME = "token_key"
_SIGNATURE_BYTES = 12
_encode = msgspec.msgpack.Encoder().encode


class SyncToken(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a token says. ``kind`` names the list, ``scope`` what of it."""

    kind: str
    scope: tuple[int | str, ...]
    validity: int
    modseq: Modseq
    position: int = 0


_decoder = msgspec.msgpack.Decoder(SyncToken)


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    async def open(cls, store: Store) -> "Tokens":
        """Return the tokens of a store, with the key all its processes share. Raises: unavailable."""
        async with store.directory_transaction() as tx:
            key = await tx.meta.get_or_put(META_NAME, secrets.token_hex(32))
        return cls(bytes.fromhex(key))

    def folder_token(self, folder: Folder) -> str:
        """Return the token of the list of a folder's mails."""
        scope = (int(folder.account_id), int(folder.folder_id))
        return self.render(SyncToken("mails", scope, folder.uid_validity, folder.content_modseq))

    def folders_token(self, account_id: AccountId, modseq: Modseq, access_mode: str) -> str:
        """Return the token of the list of folders with that access mode."""
        return self.render(SyncToken("folders", (int(account_id), access_mode), 0, modseq))

    def render(self, token: SyncToken) -> str:
        """Return the text of a token."""
        packed = _encode(token)
        return base64.urlsafe_b64encode(packed + self._sign(packed)).rstrip(b"=").decode()

    def parse(self, text: str, *, kind: str, parameter: str = "syncToken") -> SyncToken:
        """Return what a token says. Raises: badParameter if it was tampered with or is one of another kind."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _refused(parameter) from error
        packed, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(packed)):
            raise _refused(parameter)
        try:
            token = _decoder.decode(packed)
        except msgspec.MsgspecError as error:
            raise _refused(parameter) from error
        if token.kind != kind:
            raise _refused(parameter)
        return token

    def _sign(self, packed: bytes) -> bytes:
        return hashlib.blake2b(packed, key=self._key, digest_size=_SIGNATURE_BYTES).digest()


def _refused(parameter: str) -> PostroomError:
    return bad_parameter(parameter, f"{parameter} is not a token of this list")
