"""The directory: domains, domain aliases, accounts and their aliases, as an administrator sees them.

Rules: an address belongs to one account; accounts and aliases lie in domains of their own right, and a domain alias
gives each of them a second address without a row of its own. A domain goes only when nothing is left in it. An
account is made with its folders, in one transaction.

Invariant: every change of an account raises its ``auth_version``, in the same transaction, since what a process
remembers of a login includes the account's name, class and state; what must end the sessions of the account also
deletes them and raises its ``session_version``.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import NamedTuple

from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import DEFAULT_CLASS, LANGUAGES, AccountClass, PasswordPolicy, class_of
from postroom.domain.addresses import AccountAddress, normalise_domain, parse_account_address
from postroom.domain.mailbox import create_mailbox, remove_mailbox
from postroom.domain.password_policy import (
    check_content,
    check_form,
    check_history,
    count_kept,
    find_due,
)
from postroom.domain.security_log import OPERATOR, SecurityLogs, note, note_sessions_ended
from postroom.errors import Kind, PostroomError, bad_parameter, not_found
from postroom.model.account import ACTIVE, DISABLED, Account, Domain, PastPassword
from postroom.model.ids import AccountId
from postroom.model.security import SecurityEvent, SecurityEventKind
from postroom.store import Store
from postroom.store.sql.directory import ALIAS, MAIN, AccountChange, Address
from postroom.store.sql.mailboxes import MailboxState
from postroom.store.tx import Directory as Tables
from postroom.store.tx import DirectoryTransaction

_PAGE = 500
MAX_FULL_NAME_CHARACTERS = 255


class AccountSettings(NamedTuple):
    """What an administrator says about an account. None leaves it as it is, or as the class has it."""

    full_name: str | None = None
    password: str | None = None
    class_name: str | None = None
    language: str | None = None
    aliases: Sequence[str] = ()
    """Aliases the account gets, besides those it has."""
    removed_aliases: Sequence[str] = ()
    must_change_password: bool | None = None
    ignores_policy: bool = False
    """The password is taken whatever the policy of the class says."""


class AccountDetails(NamedTuple):
    """An account with all that is known of it."""

    account: Account
    aliases: list[str]
    account_class: AccountClass
    mailbox: MailboxState | None
    """None where the removal of the account has begun."""
    password_set_at: int
    """Unix milliseconds."""
    must_change_password: bool
    """Now, for whatever reason."""


def _conflict(message: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", message)


class Directory:
    """Domains and accounts. Addresses and domains are taken in any spelling."""

    def __init__(
        self,
        store: Store,
        hasher: PasswordHasher,
        classes: Mapping[str, AccountClass],
        *,
        primary_domain: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._classes = classes
        self._primary_domain = normalise_domain(primary_domain) if primary_domain else ""
        self._clock = clock

    # Domains

    async def add_domain(self, name: str, *, alias_of: str = "") -> Domain:
        """Add a domain, or a domain alias that stands for ``alias_of``; adding the same one again changes nothing.

        Raises: badParameter (``domain``), conflict, notFound.
        """
        target = normalise_domain(alias_of) if alias_of else ""
        domain = Domain(normalise_domain(name), target, self._now())
        async with self._store.directory_transaction() as tx:
            if target:
                await self._get_own_domain(tx, target)
            if not await tx.directory.domains.create(domain):
                known = await tx.directory.domains.find(domain.name)
                if known is None or known.alias_of != domain.alias_of:
                    raise _conflict(f"domain {domain.name} exists already")
        return domain

    async def list_domains(self) -> list[Domain]:
        """Return all domains and domain aliases, by name."""
        async with self._store.directory() as tables:
            return await tables.directory.domains.list_all()

    async def remove_domain(self, name: str) -> None:
        """Remove a domain or domain alias. Raises: badParameter, conflict (something is left in it), notFound."""
        name = normalise_domain(name)
        async with self._store.directory_transaction() as tx:
            if await tx.directory.domains.lock(name) is None:
                raise not_found(f"domain {name}")
            if addresses := await tx.directory.domains.count_addresses(name):
                raise _conflict(f"domain {name} still has {addresses} addresses of accounts")
            if aliases := await tx.directory.domains.count_aliases(name):
                raise _conflict(f"{aliases} domain aliases still stand for domain {name}")
            await tx.directory.domains.delete(name)

    # Accounts

    async def add_account(self, address: str, settings: AccountSettings) -> Account:
        """Add an account with its folders.

        Args:
            address: its main address, in a domain that exists.
            settings: the password is required; the rest is by default that of the class.

        Raises: badParameter (``address``, ``password``, ``class``, ``language``, ``alias``), conflict, notFound.
        """
        main = self._parse(address)
        aliases = [self._parse(alias) for alias in settings.aliases]
        account = await self._new_account(main, settings)
        async with self._store.directory_transaction() as tx:
            account = account._replace(account_id=await tx.directory.take_account_id())
            await self._give_address(tx, account.account_id, main, kind=MAIN)
            for alias in dict.fromkeys(aliases):
                await self._give_address(tx, account.account_id, alias, kind=ALIAS)
            await tx.directory.create(account)
            await self._record_password(tx, account, account.password_hash)
            await create_mailbox(
                tx.mailbox(account.account_id), account.language, uid_validity=int(self._clock())
            )
        return account

    async def iter_accounts(self, domain: str = "") -> AsyncIterator[Account]:
        """Yield all accounts by address, or those of a domain."""
        wanted = "@" + normalise_domain(domain) if domain else ""
        last = ""
        while True:
            async with self._store.directory() as tables:
                page = await tables.directory.list_by_address(last, limit=_PAGE)
            for account in page:
                if account.address.endswith(wanted):
                    yield account
            if len(page) < _PAGE:
                return
            last = page[-1].address

    async def get_account(self, address: str) -> AccountDetails:
        """Return an account, named by any of its addresses. Raises: badParameter, notFound."""
        parsed = self._parse(address)
        async with self._store.directory() as tables:
            found = await tables.directory.find_by_address(*parsed, now=self._now())
        if found is None:
            raise not_found(f"account {parsed}")
        account = found.account
        async with self._store.directory() as tables:
            addresses = await tables.directory.list_addresses(account.account_id)
        async with self._store.directory() as tables:
            present = await tables.directory.passwords.find_present(account.account_id)
        async with self._store.peek(account.account_id) as snapshot:
            mailbox = await snapshot.mailbox.find()
        aliases = [entry.address for entry in addresses if entry.kind == ALIAS]
        policy = self._policy_of(account.class_name)
        return AccountDetails(
            account=account,
            aliases=aliases,
            account_class=self._class_of(account),
            mailbox=mailbox,
            password_set_at=account.created_at if present is None else present.set_at,
            must_change_password=find_due(policy, account, present) <= self._clock(),
        )

    async def list_security_events(self, address: str) -> list[SecurityEvent]:
        """Return what happened to the security of an account, newest first. Raises: badParameter, notFound."""
        async with self._store.directory() as tables:
            account = await self._get(tables, address)
        logs = SecurityLogs(self._store)
        span = await logs.find_span(account.account_id)
        return await logs.list(account.account_id, span, start=0, limit=span.total)

    async def set_account(self, address: str, settings: AccountSettings) -> None:
        """Change an account; a new password ends its sessions.

        Raises: badParameter (``address``, ``password``, ``class``, ``language``, ``alias``), conflict, notFound.
        """
        change = self._check(settings)
        if settings.password is not None:
            change = change._replace(password_hash=await self._make_hash(address, settings))
        aliases = {self._parse(alias) for alias in settings.aliases}
        removed = {self._parse(alias) for alias in settings.removed_aliases}
        async with self._store.directory_transaction() as tx:
            account = await self._get(tx, address)
            await tx.directory.update(account.account_id, change)
            if change.password_hash is not None:
                changed = account._replace(class_name=change.class_name or account.class_name)
                await self._record_password(tx, changed, change.password_hash)
            for alias in sorted(removed):
                if not await tx.directory.delete_alias(account.account_id, str(alias)):
                    raise not_found(f"alias {alias} of account {account.address}")
            owned = {entry.address for entry in await tx.directory.list_addresses(account.account_id)}
            for alias in sorted(aliases):
                if str(alias) not in owned:
                    await self._give_address(tx, account.account_id, alias, kind=ALIAS)
            kind = SecurityEventKind.PASSWORD_CHANGED if settings.password is not None else None
            await self._forget_logins(
                tx, account.account_id, end_sessions=settings.password is not None, kind=kind
            )

    async def set_enabled(self, address: str, *, enabled: bool) -> None:
        """Enable or disable an account; a disabled one has no sessions and gets no mail. Raises: notFound."""
        async with self._store.directory_transaction() as tx:
            account = await self._get(tx, address)
            change = AccountChange(state=ACTIVE if enabled else DISABLED)
            await tx.directory.update(account.account_id, change)
            kind = SecurityEventKind.ACCOUNT_ENABLED if enabled else SecurityEventKind.ACCOUNT_DISABLED
            changed = kind if account.state != change.state else None
            await self._forget_logins(tx, account.account_id, end_sessions=not enabled, kind=changed)

    async def remove_account(self, address: str, *, progress: Callable[[int], None] | None = None) -> None:
        """Remove an account and all its mail; ``progress`` is told how many messages are gone.

        The account is disabled at once, its rows go last: a removal that was interrupted is repeated to end it.
        Raises: badParameter, notFound, unavailable.
        """
        await self.set_enabled(address, enabled=False)
        async with self._store.directory_transaction() as tx:
            account_id = (await self._get(tx, address)).account_id
        await remove_mailbox(self._store, account_id, progress=progress or (lambda _: None))
        async with self._store.directory_transaction() as tx:
            await tx.directory.delete(account_id)

    # Steps

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _parse(self, address: str) -> AccountAddress:
        return parse_account_address(address, primary_domain=self._primary_domain)

    def _class_of(self, account: Account) -> AccountClass:
        return class_of(self._classes, account.class_name)

    def _policy_of(self, class_name: str) -> PasswordPolicy:
        account_class = class_of(self._classes, class_name)
        return account_class.restrictions.password_policy

    async def _get(self, tx: Tables, address: str) -> Account:
        parsed = self._parse(address)
        found = await tx.directory.find_by_address(*parsed, now=self._now())
        if found is None:
            raise not_found(f"account {parsed}")
        return found.account

    async def _get_own_domain(self, tx: DirectoryTransaction, name: str) -> Domain:
        """Return a domain that is no alias, kept from being removed until the transaction ends."""
        domain = await tx.directory.domains.lock(name)
        if domain is None and name == self._primary_domain:
            # Whoever configures a primary domain need not add it too.
            domain = Domain(name, "", self._now())
            await tx.directory.domains.create(domain)
        if domain is None:
            raise not_found(f"domain {name} (postroom domain add {name} makes it)")
        if domain.alias_of:
            raise _conflict(f"{name} is an alias of domain {domain.alias_of}; use that one")
        return domain

    async def _give_address(
        self, tx: DirectoryTransaction, account_id: AccountId, address: AccountAddress, *, kind: str
    ) -> None:
        await self._get_own_domain(tx, address.domain)
        if await tx.directory.temporary_aliases.has(str(address)):
            raise _conflict(f"address {address} is a temporary alias, or was one not long ago")
        if not await tx.directory.create_address(account_id, Address(str(address), kind)):
            raise _conflict(f"address {address} is taken")

    async def _forget_logins(
        self,
        tx: DirectoryTransaction,
        account_id: AccountId,
        *,
        end_sessions: bool,
        kind: SecurityEventKind | None,
    ) -> None:
        """Have all logins checked anew; ``kind`` is what happened to the account's security, if anything."""
        count = await tx.sessions.count(account_id) if end_sessions else 0
        if end_sessions:
            await tx.sessions.delete_of_account(account_id)
        await tx.directory.raise_versions(account_id, auth=1, sessions=int(end_sessions))
        if kind is not None:
            await note(tx, account_id, kind, details={"by": OPERATOR}, now_ms=self._now())
            await note_sessions_ended(tx, account_id, count, reason=kind, now_ms=self._now())

    def _check(self, settings: AccountSettings) -> AccountChange:
        """Return the change that the settings ask for, but for the password."""
        if settings.class_name is not None and settings.class_name not in self._classes:
            known = ", ".join(self._classes)
            raise bad_parameter("class", f"there is no class {settings.class_name!r} (there is {known})")
        if settings.language is not None and settings.language not in LANGUAGES:
            raise bad_parameter("language", f"{settings.language!r} is none of {' '.join(LANGUAGES)}")
        if settings.full_name is not None and (
            len(settings.full_name) > MAX_FULL_NAME_CHARACTERS or not settings.full_name.isprintable()
        ):
            limit = f"up to {MAX_FULL_NAME_CHARACTERS} characters with no control characters among them"
            raise bad_parameter("fullName", f"a full name has {limit}")
        must_change = settings.must_change_password
        return AccountChange(
            full_name=settings.full_name,
            class_name=settings.class_name,
            language=settings.language,
            must_change_password=None if must_change is None else int(must_change),
        )

    async def _make_hash(self, address: str, settings: AccountSettings) -> str:
        """Return the hash of an account's new password, if its policy allows it."""
        new = settings.password or ""
        async with self._store.directory() as tables:
            account = await self._get(tables, address)
        policy = self._policy_of(settings.class_name or account.class_name)
        hashed = await self._hash(new, settings, policy)
        if policy.history.enabled and not settings.ignores_policy:
            async with self._store.directory() as tables:
                passwords = await tables.directory.passwords.list_newest(
                    account.account_id, limit=policy.history.size
                )
            await check_history(
                self._hasher,
                policy,
                account.password_hash,
                passwords=passwords,
                new=new,
                parameter="password",
            )
        return hashed

    async def _hash(self, password: str, settings: AccountSettings, policy: PasswordPolicy) -> str:
        if settings.ignores_policy:
            check_form(password, parameter="password")
        else:
            check_content(policy, password, parameter="password")
        return await self._hasher.hash(password)

    async def _record_password(self, tx: DirectoryTransaction, account: Account, password_hash: str) -> None:
        keep = count_kept(self._policy_of(account.class_name))
        password = PastPassword(self._now(), 0, password_hash)
        await tx.directory.passwords.record(account.account_id, password, keep=keep)

    async def _new_account(self, address: AccountAddress, settings: AccountSettings) -> Account:
        """Return the account to be stored; its number is yet to be given."""
        change = self._check(settings)
        class_name = settings.class_name or DEFAULT_CLASS
        account_class = self._classes[class_name]
        must_change = change.must_change_password
        if must_change is None:
            must_change = int(account_class.restrictions.password_policy.must_change_password)
        return Account(
            account_id=AccountId(0),
            address=str(address),
            full_name=change.full_name or "",
            class_name=class_name,
            language=change.language or account_class.language,
            state=ACTIVE,
            password_hash=await self._hash(
                settings.password or "", settings, account_class.restrictions.password_policy
            ),
            must_change_password=must_change,
            auth_version=1,
            session_version=1,
            created_at=self._now(),
            login_count=0,
        )
