"""Recovery of forgotten account names and passwords, by methods that the account has activated.

Nobody here is authenticated, so nothing may be learned: names and addresses that are known and those that are not get
the same answers, after the same work. What is only done for those that are known (a mail, a text message) is done
behind the answer.

A token is sent to a method that whoever asks must name in full. It holds for 15 minutes, is good once, and dies with
the fifth wrong try; one of mail has 192 bits, one of a text message, which is typed, 8 digits. The store has a keyed
hash of it. A new token voids the one before it; three are sent in 15 minutes at most.

Where users may not change their password at all, they cannot recover it either.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog

from postroom.auth.codes import new_long_code, new_token
from postroom.auth.guessing import Guesses
from postroom.auth.passwords import PasswordHasher
from postroom.auth.throttle import Throttle
from postroom.compose.code_texts import CodeTexts, get_code_texts
from postroom.config.classes import DEFAULT_CLASS, AccountClass, PasswordPolicy, class_of
from postroom.domain.addresses import find_account_address
from postroom.domain.clock import Clock
from postroom.domain.factor_policy import (
    PASSWORD_RECOVERY,
    USERNAME_RECOVERY,
    may_recover_password,
    may_use,
)
from postroom.domain.factor_targets import find_same, make_plausible, mask, parse_target
from postroom.domain.password_policy import check_content, check_form, check_history, count_kept, describe
from postroom.domain.security_log import note, note_sessions_ended
from postroom.domain.security_methods import SecurityMethods
from postroom.domain.sessions import end_others
from postroom.domain.settings import read_language
from postroom.domain.uploads import remove_files
from postroom.errors import Kind, PostroomError, bad_parameter
from postroom.model.account import ACTIVE, Account, PastPassword
from postroom.model.factor import EMAIL, Method, RecoveryToken
from postroom.model.ids import AccountId
from postroom.model.security import SecurityEventKind
from postroom.store import Store
from postroom.store.sql.directory import ALIAS, TEMPORARY
from postroom.store.tx import DirectoryTransaction

LIFE_MILLISECONDS: Final = 900_000
TRIES: Final = 5
SENT_MOST, SENT_MILLISECONDS = 3, 900_000
MOST_ACCOUNTS: Final = 20
"""Named in one mail."""
MOST_SENDING: Final = 100
"""Requests whose mails are being made at the same time; more are refused, whoever they are for."""
MAX_NAME_CHARACTERS: Final = 320
_NOBODY: Final = AccountId(0)
_TOKEN: Final = "recovery-token"  # noqa: S105 (what a hash is for)
_log: Final = structlog.get_logger("postroom.recovery")


class Way(NamedTuple):
    """A way to recover a password; the target is masked."""

    kind: str
    target: str


class _Known(NamedTuple):
    """An account whose password may be recovered, by these methods with their targets."""

    account: Account
    methods: list[tuple[Method, str]]


class NameRules(NamedTuple):
    """How names of accounts are read."""

    primary_domain: str
    alias_logins: bool


class Recovery:
    """What people can do who have forgotten something."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        methods: SecurityMethods,
        *,
        passwords: PasswordHasher,
        guesses: Guesses,
        rules: NameRules,
        clock: Clock,
    ) -> None:
        """``guesses`` limits how often is asked, by name and by source address."""
        self._store = store
        self._classes = classes
        self._methods = methods
        self._codes = methods.codes
        self._hasher = methods.hasher
        self._passwords = passwords
        self._guesses = guesses
        self._rules = rules
        self._clock = clock
        self._mails = Throttle(limit=SENT_MOST, window_seconds=SENT_MILLISECONDS // 1000)
        self._behind: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give up what is still to be done behind answers."""
        for task in self._behind:
            task.cancel()
        await asyncio.gather(*self._behind, return_exceptions=True)
        await self._codes.messages.close()

    async def settle(self) -> None:
        """Wait for what is done behind answers."""
        await asyncio.gather(*self._behind, return_exceptions=True)
        await self._codes.messages.settle()

    # Forgotten names

    async def send_names(self, kind: str, target: str, *, client: str) -> None:
        """Send the names of the accounts that have activated a target to it.

        Raises: badParameter; tooManyRequests; unavailable.
        """
        parameter = "email" if kind == EMAIL else "phoneNumber"
        target = parse_target(kind, target, parameter=parameter)
        self._guesses.begin(f"{kind}:{target}", client)
        self._start(self._send_names(kind, target))

    async def _send_names(self, kind: str, target: str) -> None:
        now = self._clock.now()
        if self._mails.refused_seconds(target, now):
            return
        async with self._store.directory() as tables:
            found = await tables.methods.list_by_target(
                self._methods.hash_target(kind, target), limit=MOST_ACCOUNTS
            )
            accounts = [await tables.directory.find(one.account_id) for one in found]
        known = [
            one
            for one in accounts
            if one is not None
            and one.state == ACTIVE
            and may_use(self._methods.policy_of(one.class_name), kind, USERNAME_RECOVERY)
        ]
        if not known:
            return
        self._mails.begin(target, now)
        names = [one.address for one in known]
        texts = await self._find_texts(known[0])
        if kind != EMAIL:
            self._codes.messages.send_sms(target, f"{texts.names_subject}: {', '.join(names)}")
            return
        listed = "".join(f"    {name}\n" for name in names)
        mail = await self._codes.messages.prepare_mail(
            names[0],
            target,
            subject=texts.names_subject,
            text=f"{texts.names}\n\n{listed}",
            language=texts.language,
        )
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(known[0].account_id)
            await mailbox.lock()
            await self._codes.messages.send_mail(mailbox, mail)

    # Forgotten passwords

    async def list_ways(self, name: str, *, client: str) -> Sequence[Way]:
        """Return by what the password of an account can be recovered; a name that is unknown gets a likely answer.

        Raises: tooManyRequests; unavailable.
        """
        self._guesses.begin(self._key(name), client)
        known = await self._find(name)
        plausible = make_plausible(self._hasher, self._key(name))
        if known is not None and known.methods:
            return [Way(method.kind, mask(method.kind, target)) for method, target in known.methods]
        default = self._classes[DEFAULT_CLASS]
        is_likely = may_recover_password(default) and may_use(
            default.restrictions.security_policy, EMAIL, PASSWORD_RECOVERY
        )
        return [Way(EMAIL, plausible)] if is_likely else []

    async def send_token(self, name: str, kind: str, target: str, *, client: str) -> None:
        """Send a token to the method of an account that is named in full.

        Raises: badParameter; tooManyRequests; unavailable.
        """
        parameter = "email" if kind == EMAIL else "phoneNumber"
        target = parse_target(kind, target, parameter=parameter)
        self._guesses.begin(self._key(name), client)
        self._start(self._send_token(name, kind, target))

    async def _send_token(self, name: str, kind: str, target: str) -> None:
        known = await self._find(name)
        method = find_same(known.methods, kind, target) if known is not None else None
        if known is None or method is None:
            return
        account = known.account
        token = new_token() if kind == EMAIL else new_long_code()
        texts = await self._find_texts(account)
        text = texts.recovery.format(address=account.address, token=token)
        if kind != EMAIL:
            async with self._store.directory_transaction() as tx:
                if await self._note_sent(tx, account.account_id, token):
                    tx.after_commit(lambda: self._codes.messages.send_sms(target, text))
            return
        mail = await self._codes.messages.prepare_mail(
            account.address,
            target,
            subject=texts.recovery_subject,
            text=f"{text}\n\n{texts.recovery_advice}\n",
            language=texts.language,
        )
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(account.account_id)
            await mailbox.lock()
            if await self._note_sent(tx, account.account_id, token):
                await self._codes.messages.send_mail(mailbox, mail)

    async def _note_sent(self, tx: DirectoryTransaction, account_id: AccountId, token: str) -> bool:
        """Note a token that is sent; False where there were too many."""
        now, last = self._clock.now_ms(), await tx.recoveries.lock(account_id)
        since, count = last.sent_since, last.sent_count
        if now >= since + SENT_MILLISECONDS:
            since, count = now, 0
        if count >= SENT_MOST:
            return False
        made = RecoveryToken(self._hash(account_id, token), now + LIFE_MILLISECONDS, 0, since, count + 1)
        await tx.recoveries.put(account_id, made)
        return True

    async def validate(self, name: str, token: str, *, client: str) -> dict[str, Any]:
        """Return what a new password must be made of, for who has a token.

        Raises: badParameter (``recoveryToken``); tooManyRequests; unavailable.
        """
        account = await self._try(name, token, client)
        return describe(self._policy_of(account))

    async def reset(self, name: str, token: str, new: str, *, client: str) -> None:
        """Give an account a new password, for who has a token; all its sessions and app passwords end.

        Raises: badParameter (``recoveryToken``, ``newPassword``); tooManyRequests; unavailable.
        """
        check_form(new, parameter="newPassword")
        account = await self._try(name, token, client)
        policy = self._policy_of(account)
        check_content(policy, new, parameter="newPassword")
        async with self._store.directory() as tables:
            past = await tables.directory.passwords.list_newest(account.account_id, limit=count_kept(policy))
        await check_history(
            self._passwords, policy, account.password_hash, passwords=past, new=new, parameter="newPassword"
        )
        new_hash = await self._passwords.hash(new)
        account_id, now = account.account_id, self._clock.now_ms()
        async with self._store.directory_transaction() as tx:
            if not await tx.directory.passwords.replace(account_id, account.auth_version, new_hash):
                raise _wrong()
            token_hash = self._hash(account_id, token)
            if not await tx.recoveries.use(account_id, token_hash, now=now, tries=TRIES):
                raise _wrong()
            password = PastPassword(now, 1, new_hash)
            await tx.directory.passwords.record(account_id, password, keep=count_kept(policy))
            ended = await end_others(tx, account_id, keep=None)
            await tx.recoveries.delete_program_passwords(account_id)
            await tx.directory.raise_versions(account_id, auth=1, sessions=1)
            kind = SecurityEventKind.RECOVERY_USED
            await note(tx, account_id, kind, client=client, details={"what": "password"}, now_ms=now)
            await note_sessions_ended(tx, account_id, ended.sessions, reason=kind, client=client, now_ms=now)
        await remove_files(self._store, ended.files)

    # Steps

    async def _try(self, name: str, token: str, client: str) -> Account:
        """Return the account that a token was sent for. Raises: badParameter; tooManyRequests; unavailable."""
        key = self._key(name)
        self._guesses.begin(key, client)
        known = await self._find(name)
        account_id = _NOBODY if known is None else known.account.account_id
        async with self._store.directory_transaction() as tx:
            is_right = await tx.recoveries.try_token(
                account_id, self._hash(account_id, token), now=self._clock.now_ms(), tries=TRIES
            )
        if known is None or not is_right:
            raise _wrong()
        self._guesses.right(key, client)
        return known.account

    async def _find(self, name: str) -> _Known | None:
        """Return an account whose password may be recovered; for others the same is looked up."""
        address = find_account_address(name[:MAX_NAME_CHARACTERS], primary_domain=self._rules.primary_domain)
        account = None
        async with self._store.directory() as tables:
            if address is not None:
                found = await tables.directory.find_by_address(*address, now=self._clock.now_ms())
                # As at login: a temporary alias is for strangers.
                if (
                    found is not None
                    and found.kind != TEMPORARY
                    and (found.kind != ALIAS or self._rules.alias_logins)
                ):
                    account = found.account
            methods = await tables.methods.list_of(_NOBODY if account is None else account.account_id)
        if account is None or account.state != ACTIVE or not may_recover_password(self._class_of(account)):
            return None
        policy = self._methods.policy_of(account.class_name)
        return _Known(
            account,
            [
                (one, self._codes.open_target(one).decode())
                for one in methods
                if not one.session_id and may_use(policy, one.kind, PASSWORD_RECOVERY)
            ],
        )

    async def _find_texts(self, account: Account) -> CodeTexts:
        async with self._store.peek(account.account_id) as mailbox:
            return get_code_texts(await read_language(mailbox))

    def _class_of(self, account: Account) -> AccountClass:
        return class_of(self._classes, account.class_name)

    def _policy_of(self, account: Account) -> PasswordPolicy:
        return self._class_of(account).restrictions.password_policy

    def _key(self, name: str) -> str:
        address = find_account_address(name[:MAX_NAME_CHARACTERS], primary_domain=self._rules.primary_domain)
        return str(address) if address is not None else name.casefold()[:MAX_NAME_CHARACTERS]

    def _hash(self, account_id: AccountId, token: str) -> bytes:
        return self._hasher.hash(_TOKEN, account_id, token.strip()[:256])

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done behind the answer. Raises: unavailable where there is too much."""
        if len(self._behind) >= MOST_SENDING:
            work.close()
            raise PostroomError(
                Kind.UNAVAILABLE, "unavailable", "many are asking just now", retry_after_seconds=10
            )
        task = asyncio.create_task(self._do(work))
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PostroomError as error:
            _log.warning("a recovery was not sent", error=error.message, private=error.private)


def _wrong() -> PostroomError:
    return bad_parameter("recoveryToken", "the recovery token is wrong, was used, or is too old")
