"""What a caller may know of its own account: class, limits, usage."""

import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from postroom.config.classes import AccountClass, class_of
from postroom.domain.factor_policy import is_in_force
from postroom.domain.password_policy import find_due, is_warned, may_be_due
from postroom.errors import not_found
from postroom.model.account import Account, Caller
from postroom.model.factor import AUTH_APP
from postroom.store import Store
from postroom.store.sql.directory import MAIN

AliasKind = Literal["mainAddress", "accountAlias", "domainAlias", "accountAndDomainAlias"]


class AccountInfo(NamedTuple):
    """An account with its class and what its mailbox holds."""

    account: Account
    account_class: AccountClass
    total_items: int
    size_bytes: int
    is_first_login: bool
    must_change_password: bool = False
    is_password_warned: bool = False
    """The password expires soon."""
    has_two_factor: bool = False
    """Logins have two steps."""
    has_method: bool = False
    """A security method is set up by which the owner can be reached."""


class OwnAddress(NamedTuple):
    """An address that an account has for good."""

    address: str
    kind: AliasKind


class Accounts:
    """The caller's account."""

    def __init__(
        self, store: Store, classes: Mapping[str, AccountClass], *, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._classes = classes
        self._now = now

    async def list_addresses(self, caller: Caller) -> list[OwnAddress]:
        """Return the addresses that the account has for good, those by domain aliases behind all others.

        Raises: unavailable.
        """
        async with self._store.directory() as tables:
            owned = await tables.directory.list_addresses(caller.account_id)
            domains = await tables.directory.domains.list_all()
        found = [
            OwnAddress(one.address, "mainAddress" if one.kind == MAIN else "accountAlias") for one in owned
        ]
        for one in owned:
            local_part, _, name = one.address.rpartition("@")
            kind: AliasKind = "domainAlias" if one.kind == MAIN else "accountAndDomainAlias"
            found += [
                OwnAddress(f"{local_part}@{domain.name}", kind)
                for domain in domains
                if domain.alias_of == name
            ]
        return found

    async def info(self, caller: Caller) -> AccountInfo:
        """Return the caller's account. Raises: notFound; unavailable."""
        async with self._store.directory() as directory:
            account = await directory.directory.find(caller.account_id)
            two_factor = await directory.two_factor.find(caller.account_id)
            methods = await directory.methods.list_of(caller.account_id)
        async with self._store.peek(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
        if account is None or state is None:
            raise not_found("the account")
        account_class = class_of(self._classes, account.class_name)
        policy, present, now = account_class.restrictions.password_policy, None, self._now()
        if may_be_due(policy):
            async with self._store.directory() as directory:
                present = await directory.directory.passwords.find_present(caller.account_id)
        return AccountInfo(
            account=account,
            account_class=account_class,
            total_items=state.total_items,
            size_bytes=state.size_bytes,
            is_first_login=caller.is_first_session,
            must_change_password=find_due(policy, account, present) <= now,
            is_password_warned=is_warned(policy, account, present, now=now),
            has_two_factor=is_in_force(account_class.restrictions.security_policy, two_factor),
            has_method=any(one.kind != AUTH_APP and not one.session_id for one in methods),
        )
