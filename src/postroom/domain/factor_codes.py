"""Codes of second steps, checked and sent.

A code is right once. All that is looked at is locked first, in the order account, 2-step verification, method, so
that of two who come with one code at the same time, through whichever process, one is right.

Wrong codes of an account are counted until one is right, whichever session they come from: whoever knows the password
can make as many sessions as they like. From the tenth in a row on, each is followed by a time in which no code is
looked at, 15 minutes, then twice as long each time, up to a day. Recovery codes are not concerned, so that the owner
still gets in.
"""

import hmac
from typing import Final

from postroom.auth.codes import CodeHasher, clean_code, find_step, new_code
from postroom.auth.credentials import not_authenticated
from postroom.auth.throttle import Throttle
from postroom.auth.vault import Place
from postroom.compose.code_texts import get_code_texts
from postroom.domain.clock import Clock
from postroom.domain.code_messages import CodeMessages
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.settings import read_language
from postroom.errors import Kind, PostroomError, bad_parameter, not_found
from postroom.model.account import Account
from postroom.model.factor import AUTH_APP, EMAIL, PURPOSE, Method, TwoFactor
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

CODE_MILLISECONDS: Final = 600_000
CODE_TRIES: Final = 5
FREE_TRIES: Final = 10
"""Wrong codes in a row that nothing follows from."""
SENT_MOST, SENT_MILLISECONDS = 5, 900_000
"""Codes sent by a method, in that time."""
_ACCOUNT_SENT_MOST, _ACCOUNT_SENT_SECONDS = 20, 3600
_WAIT_MILLISECONDS, _WAIT_MOST = 900_000, 86_400_000
_CODE: Final = "method-code"


class FactorCodes:
    """The codes of all accounts' methods."""

    def __init__(
        self,
        store: Store,
        secrets: ServerSecrets,
        hasher: CodeHasher,
        *,
        messages: CodeMessages,
        clock: Clock,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._hasher = hasher
        self._clock = clock
        self._sent = Throttle(limit=_ACCOUNT_SENT_MOST, window_seconds=_ACCOUNT_SENT_SECONDS)
        self.messages = messages

    def open_target(self, method: Method) -> bytes:
        """Return the address, number or secret of a method. Raises: internalError; unavailable."""
        return self._secrets.unseal(method.target, Place(PURPOSE, method.account_id, method.method_id))

    # Checking

    async def begin(self, tx: DirectoryTransaction, account_id: AccountId, auth_version: int) -> TwoFactor:
        """Begin to check a code: return how 2-step verification stands, locked with the account.

        Raises: notAuthenticated where the account's logins are no longer those of that version.
        """
        if await tx.two_factor.lock_account(account_id) != auth_version:
            raise not_authenticated()
        return await tx.two_factor.lock(account_id)

    def refuse(self) -> PostroomError:
        """Return the error for a wrong code, once the transaction that counted it was left."""
        # Else a call that is to be done once, and fails, would leave no trace of the try.
        self._store.keep()
        return bad_parameter("totpToken", "the code is wrong, was used, or is too old")

    async def check(self, tx: DirectoryTransaction, method: Method, code: str, *, state: TwoFactor) -> bool:
        """Tell whether a code is right, and use it up, or count it as wrong.

        Args:
            tx: a transaction in which the check has begun and the method is locked; it must not be taken back where
                the code is wrong.
            method: the method that the code is of.
            code: as it was typed.
            state: what :meth:`begin` has returned.

        Raises: tooManyRequests where no code is looked at for a while; internalError; unavailable.
        """
        now = self._clock.now_ms()
        if wait := find_wait(state, now=now):
            raise _too_many("too many wrong codes; try again later, or use a recovery code", wait)
        if method.kind == AUTH_APP:
            step = find_step(self.open_target(method), code, now=now / 1000)
            is_right = step is not None and await tx.methods.note_step(method, step, now=now)
        else:
            is_right = await self._check_sent(tx, method, code, now=now)
        if is_right and state.wrong:
            await tx.two_factor.set_wrong(method.account_id, 0, now=0)
        elif not is_right:
            await tx.two_factor.set_wrong(method.account_id, state.wrong + 1, now=now)
        return is_right

    async def _check_sent(self, tx: DirectoryTransaction, method: Method, code: str, *, now: int) -> bool:
        is_live = now < method.code_sent_at + CODE_MILLISECONDS and method.code_tries < CODE_TRIES
        if is_live and hmac.compare_digest(self._hash(method, clean_code(code)), method.code_hash):
            await tx.methods.note_used(method, now=now)
            return True
        await tx.methods.note_try(method)
        return False

    def _hash(self, method: Method, code: str) -> bytes:
        return self._hasher.hash(_CODE, method.account_id, method.method_id, code)

    # Sending

    async def send(self, account: Account, method: Method) -> None:
        """Send a new code by a method; the one before it is void.

        Raises: badParameter for an app; notFound; tooManyRequests; unavailable.
        """
        if method.kind == AUTH_APP:
            raise bad_parameter("methodId", "the codes of an app are not sent")
        key, seconds = str(account.account_id), self._clock.now()
        if wait := self._sent.refused_seconds(key, seconds):
            raise _too_many("too many codes were sent; try again later", wait * 1000)
        self._sent.begin(key, seconds)
        code, target = new_code(), self.open_target(method).decode()
        async with self._store.peek(account.account_id) as mailbox:
            texts = get_code_texts(await read_language(mailbox))
        text = texts.code.format(code=code, address=account.address)
        if method.kind != EMAIL:
            await self._send_text(method, code, phone=target, text=text)
            return
        mail = await self.messages.prepare_mail(
            account.address,
            target,
            subject=texts.code_subject.format(code=code),
            text=f"{text}\n\n{texts.code_advice}\n",
            language=texts.language,
        )
        async with self._store.directory_transaction() as tx:
            # The mailbox first: that is the order of all who take it and more.
            mailbox = tx.mailbox(account.account_id)
            await mailbox.lock()
            await self._note(tx, method, code)
            await self.messages.send_mail(mailbox, mail)

    async def _send_text(self, method: Method, code: str, *, phone: str, text: str) -> None:
        async with self._store.directory_transaction() as tx:
            await self._note(tx, method, code)
            tx.after_commit(lambda: self.messages.send_sms(phone, text))

    async def _note(self, tx: DirectoryTransaction, known: Method, code: str) -> None:
        """Note that a code is sent by a method."""
        now, method = self._clock.now_ms(), await tx.methods.lock(known.account_id, known.method_id)
        if method is None:
            raise not_found("the method")
        since, count = method.sent_since, method.sent_count
        if now >= since + SENT_MILLISECONDS:
            since, count = now, 0
        if count >= SENT_MOST:
            raise _too_many("too many codes were sent; try again later", since + SENT_MILLISECONDS - now)
        await tx.methods.note_sent(
            method._replace(
                code_hash=self._hash(method, code), code_sent_at=now, sent_since=since, sent_count=count + 1
            )
        )


def find_wait(state: TwoFactor, *, now: int) -> int:
    """Return for how many milliseconds no code is looked at, after those that were wrong."""
    if state.wrong < FREE_TRIES:
        return 0
    wait = min(_WAIT_MILLISECONDS << min(state.wrong - FREE_TRIES, 16), _WAIT_MOST)
    return max(state.wrong_at + wait - now, 0)


def _too_many(message: str, milliseconds: int) -> PostroomError:
    return PostroomError(
        Kind.LIMITED, "tooManyRequests", message, retry_after_seconds=-(-milliseconds // 1000)
    )
