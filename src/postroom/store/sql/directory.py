"""The directory: mail domains, accounts with their passwords, and the addresses that accounts answer to.

An address is stored under its own domain; mail and logins for a domain alias are looked up under the domain that
the alias stands for. Temporary aliases, which lie in a table of their own, are looked up with the present time: one
that has expired is no address any more. Account numbers are never given out twice, so that ids of a removed account
stay unknown.
"""

from collections.abc import Callable
from typing import NamedTuple

from postroom.model.account import Account, Domain, PastPassword
from postroom.model.ids import AccountId
from postroom.model.profile import AliasId, TemporaryAlias
from postroom.store.engine.base import Connection

_LIST_DOMAINS = "SELECT name, alias_of, created_at FROM domain ORDER BY name"
_FIND_DOMAIN = "SELECT name, alias_of, created_at FROM domain WHERE name = $1"
_LOCK_DOMAIN = "UPDATE domain SET name = name WHERE name = $1 RETURNING name, alias_of, created_at"
_CREATE_DOMAIN = """
INSERT INTO domain (name, alias_of, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING RETURNING name
"""
_DELETE_DOMAIN = "DELETE FROM domain WHERE name = $1"
_COUNT_ALIASES = "SELECT count(*) FROM domain WHERE alias_of = $1"
_COUNT_ADDRESSES = "SELECT count(*) FROM address WHERE address LIKE $1 ESCAPE '\\'"

_COLUMNS = """account_id, account.address, full_name, class_name, language, state, password_hash,
       must_change_password, auth_version, session_version, created_at, login_count"""
_TAKE_ACCOUNT_ID = """
INSERT INTO meta (name, value) VALUES ('last_account_id', '1')
ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)
RETURNING value
"""
_CREATE = """
INSERT INTO account (account_id, address, full_name, class_name, language, state, password_hash,
                     must_change_password, auth_version, session_version, created_at, login_count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_FIND = f"SELECT {_COLUMNS} FROM account WHERE account_id = $1"
_STORED_ADDRESS = """CAST($1 AS TEXT) || '@'
      || COALESCE((SELECT alias_of FROM domain WHERE name = $2 AND alias_of <> ''), $2)"""
# The second half is only looked at where the first finds nothing.
_FIND_BY_ADDRESS = f"""
SELECT {_COLUMNS}, kind FROM address JOIN account USING (account_id) WHERE address.address = {_STORED_ADDRESS}
UNION ALL
SELECT {_COLUMNS}, 'temporary' FROM temporary_alias JOIN account USING (account_id)
WHERE temporary_alias.address = {_STORED_ADDRESS} AND expires_at > $3
LIMIT 1
"""
_FIND_NUMBER = "SELECT account_id FROM account WHERE address = $1"
_LIST = f"SELECT {_COLUMNS} FROM account WHERE account_id > $1 ORDER BY account_id LIMIT $2"
_LIST_BY_ADDRESS = f"SELECT {_COLUMNS} FROM account WHERE address > $1 ORDER BY address LIMIT $2"
_UPDATE = """
UPDATE account SET full_name = COALESCE($2, full_name), class_name = COALESCE($3, class_name),
                   language = COALESCE($4, language), state = COALESCE($5, state),
                   password_hash = COALESCE($6, password_hash),
                   must_change_password = COALESCE($7, must_change_password)
WHERE account_id = $1
"""
_RAISE_VERSIONS = """
UPDATE account SET auth_version = auth_version + $2, session_version = session_version + $3 WHERE account_id = $1
"""
_COUNT_LOGIN = """
UPDATE account SET login_count = login_count + 1 WHERE account_id = $1 AND auth_version = $2 RETURNING login_count
"""
_DELETE = "DELETE FROM account WHERE account_id = $1"

_LIST_HASHES = """
SELECT set_at, is_own, password_hash FROM past_password WHERE account_id = $1 ORDER BY set_at DESC LIMIT $2
"""
_REPLACE_HASH = """
UPDATE account SET password_hash = $3, must_change_password = 0
WHERE account_id = $1 AND auth_version = $2 AND state = 'active' RETURNING account_id
"""
_RECORD_HASH = """
INSERT INTO past_password (account_id, set_at, is_own, password_hash)
SELECT CAST($1 AS BIGINT), CASE WHEN newest >= $2 THEN newest + 1 ELSE $2 END, CAST($3 AS SMALLINT), CAST($4 AS TEXT)
FROM (SELECT coalesce(max(set_at), 0) AS newest FROM past_password WHERE account_id = $1) AS place
"""
_FORGET_HASHES = """
DELETE FROM past_password WHERE account_id = $1 AND set_at <=
    (SELECT set_at FROM past_password WHERE account_id = $1 ORDER BY set_at DESC LIMIT 1 OFFSET $2)
"""
_DELETE_HASHES = "DELETE FROM past_password WHERE account_id = $1"

_LIST_ADDRESSES = "SELECT address, kind FROM address WHERE account_id = $1 ORDER BY kind DESC, address"
_FIND_OWNER = "SELECT account_id FROM address WHERE address = $1"
_CREATE_ADDRESS = """
INSERT INTO address (address, account_id, kind) VALUES ($1, $2, $3) ON CONFLICT (address) DO NOTHING RETURNING address
"""
_DELETE_ALIAS = (
    "DELETE FROM address WHERE account_id = $1 AND address = $2 AND kind = 'alias' RETURNING address"
)
_DELETE_ADDRESSES = "DELETE FROM address WHERE account_id = $1"

_LIST_TEMPORARY = """
SELECT address, alias_id, expires_at FROM temporary_alias WHERE account_id = $1 AND expires_at > $2
ORDER BY expires_at, alias_id
"""
_HAS_TEMPORARY = "SELECT 1 FROM temporary_alias WHERE address = $1"
_CREATE_TEMPORARY = """
INSERT INTO temporary_alias (account_id, address, alias_id, expires_at) VALUES ($1, $2, $3, $4)
"""
_END_TEMPORARY = """
UPDATE temporary_alias SET expires_at = $2 WHERE account_id = $1 AND expires_at > $2 AND alias_id = $3
RETURNING address
"""
_DROP_TEMPORARY_BEYOND = """
DELETE FROM temporary_alias WHERE account_id = $1 AND expires_at <= (
    SELECT expires_at FROM temporary_alias WHERE account_id = $1 AND expires_at <= $2
    ORDER BY expires_at DESC LIMIT 1 OFFSET $3)
"""
_PURGE_TEMPORARY = """
DELETE FROM temporary_alias
WHERE address IN (SELECT address FROM temporary_alias WHERE expires_at < $1 LIMIT $2)
RETURNING address
"""
_LIST_OWN = """
SELECT address FROM address WHERE account_id = $1
UNION ALL
SELECT address FROM temporary_alias WHERE account_id = $1 AND expires_at > $2
"""

MAIN, ALIAS, TEMPORARY = "main", "alias", "temporary"


class Address(NamedTuple):
    """An address of an account; ``kind`` is :data:`MAIN` or :data:`ALIAS`."""

    address: str
    kind: str


class AccountChange(NamedTuple):
    """New values of an account; None leaves the old one."""

    full_name: str | None = None
    class_name: str | None = None
    language: str | None = None
    state: str | None = None
    password_hash: str | None = None
    must_change_password: int | None = None


class Found(NamedTuple):
    """An account and the kind of address it was found by; through a domain alias that of the address behind it.

    ``kind`` is :data:`MAIN`, :data:`ALIAS` or :data:`TEMPORARY`.
    """

    account: Account
    kind: str


class DomainRepo:
    """The mail domains."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_all(self) -> list[Domain]:
        """Return all domains and domain aliases, by name."""
        return [Domain(*row) for row in await self._connection.fetch_all(_LIST_DOMAINS)]

    async def find(self, name: str) -> Domain | None:
        """Return a domain or domain alias."""
        row = await self._connection.fetch_row(_FIND_DOMAIN, name)
        return None if row is None else Domain(*row)

    async def lock(self, name: str) -> Domain | None:
        """Return a domain or domain alias; others can't remove or lock it until the transaction ends."""
        row = await self._connection.fetch_row(_LOCK_DOMAIN, name)
        return None if row is None else Domain(*row)

    async def create(self, domain: Domain) -> bool:
        """Store a new domain or domain alias; False if there is one of that name."""
        return await self._connection.fetch_value(_CREATE_DOMAIN, *domain) is not None

    async def delete(self, name: str) -> None:
        """Remove a domain or domain alias."""
        await self._connection.execute(_DELETE_DOMAIN, name)

    async def count_aliases(self, name: str) -> int:
        """Return how many domain aliases stand for a domain."""
        return int(await self._connection.fetch_value(_COUNT_ALIASES, name))

    async def count_addresses(self, name: str) -> int:
        """Return how many addresses there are in a domain; reads them all."""
        escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return int(await self._connection.fetch_value(_COUNT_ADDRESSES, f"%@{escaped}"))


class PasswordRepo:
    """The passwords that accounts have and had, as hashes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_newest(self, account_id: AccountId, *, limit: int) -> list[PastPassword]:
        """Return the present password of an account and those before it, the newest first."""
        rows = await self._connection.fetch_all(_LIST_HASHES, account_id, limit)
        return [PastPassword(*row) for row in rows]

    async def find_present(self, account_id: AccountId) -> PastPassword | None:
        """Return the present password of an account, None if nothing is known of it."""
        row = await self._connection.fetch_row(_LIST_HASHES, account_id, 1)
        return None if row is None else PastPassword(*row)

    async def replace(self, account_id: AccountId, auth_version: int, new_hash: str) -> bool:
        """Give an account a new password, which need not be changed; False if its logins have changed meanwhile."""
        found = await self._connection.fetch_value(_REPLACE_HASH, account_id, auth_version, new_hash)
        return found is not None

    async def record(self, account_id: AccountId, password: PastPassword, *, keep: int) -> None:
        """Note the new password of an account; of all it ever had, the newest ``keep`` are kept.

        Each gets a time of its own, in their order, whatever the clock does.
        """
        await self._connection.execute(_RECORD_HASH, account_id, *password)
        await self._connection.execute(_FORGET_HASHES, account_id, keep)


class TemporaryAliasRepo:
    """The temporary aliases of all accounts, those that are over included."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_active(self, account_id: AccountId, *, now: int) -> list[TemporaryAlias]:
        """Return those of an account that work at this time (Unix milliseconds), by their end."""
        rows = await self._connection.fetch_all(_LIST_TEMPORARY, account_id, now)
        return [TemporaryAlias(*row) for row in rows]

    async def has(self, address: str) -> bool:
        """Tell whether an address is a temporary alias, or was one not long ago."""
        return await self._connection.fetch_value(_HAS_TEMPORARY, address) is not None

    async def create(self, account_id: AccountId, alias: TemporaryAlias) -> None:
        """Store a new one."""
        await self._connection.execute(_CREATE_TEMPORARY, account_id, *alias)

    async def end(self, account_id: AccountId, alias_id: AliasId, *, now: int) -> bool:
        """End one of an account at once; False if it has none of that number that works."""
        return await self._connection.fetch_value(_END_TEMPORARY, account_id, now, alias_id) is not None

    async def drop_beyond(self, account_id: AccountId, *, now: int, keep: int) -> None:
        """Forget those of an account that are over, but for about the last ``keep``."""
        await self._connection.execute(_DROP_TEMPORARY_BEYOND, account_id, now, keep)

    async def purge(self, *, before: int, limit: int) -> int:
        """Forget up to ``limit`` that were over before a time; return how many."""
        return len(await self._connection.fetch_all(_PURGE_TEMPORARY, before, limit))

    async def list_own(self, account_id: AccountId, *, since: int) -> list[str]:
        """Return all addresses of an account: of the temporary ones those that work after ``since``, 0 for all."""
        return [row[0] for row in await self._connection.fetch_all(_LIST_OWN, account_id, since)]


class DirectoryRepo:
    """The accounts and their addresses; what else belongs to them has repositories of its own in it."""

    def __init__(
        self, connection: Connection, *, on_change: Callable[[AccountId], None] = lambda _: None
    ) -> None:
        """``on_change`` is called with accounts whose logins or sessions others must look at anew."""
        self._connection = connection
        self._on_change = on_change
        self.domains = DomainRepo(connection)
        self.passwords = PasswordRepo(connection)
        self.temporary_aliases = TemporaryAliasRepo(connection)

    async def take_account_id(self) -> AccountId:
        """Return a number for a new account, never given out before."""
        return AccountId(int(await self._connection.fetch_value(_TAKE_ACCOUNT_ID)))

    async def create(self, account: Account) -> None:
        """Store a new account, without its addresses."""
        await self._connection.execute(_CREATE, *account)

    async def find(self, account_id: AccountId) -> Account | None:
        """Return an account; one look-up by primary key."""
        row = await self._connection.fetch_row(_FIND, account_id)
        return None if row is None else Account(*row)

    async def find_by_address(self, local_part: str, domain: str, *, now: int) -> Found | None:
        """Return the account that answers to a normalised address, domain aliases resolved; one statement.

        ``now`` in Unix milliseconds: a temporary alias answers until it expires.
        """
        row = await self._connection.fetch_row(_FIND_BY_ADDRESS, local_part, domain, now)
        return None if row is None else Found(Account(*row[:-1]), row[-1])

    async def find_number(self, address: str) -> AccountId | None:
        """Return the account whose main address is exactly this one."""
        value = await self._connection.fetch_value(_FIND_NUMBER, address)
        return None if value is None else AccountId(value)

    async def list_after(self, account_id: int, *, limit: int) -> list[Account]:
        """Return up to ``limit`` accounts with higher numbers, ascending."""
        return [Account(*row) for row in await self._connection.fetch_all(_LIST, account_id, limit)]

    async def list_by_address(self, address: str, *, limit: int) -> list[Account]:
        """Return up to ``limit`` accounts with higher addresses, by address."""
        rows = await self._connection.fetch_all(_LIST_BY_ADDRESS, address, limit)
        return [Account(*row) for row in rows]

    async def update(self, account_id: AccountId, change: AccountChange) -> None:
        """Change an account. What concerns logging in must be followed by :meth:`raise_versions`."""
        await self._connection.execute(_UPDATE, account_id, *change)

    async def raise_versions(self, account_id: AccountId, *, auth: int, sessions: int) -> None:
        """Add to the versions that make every process forget what it remembers of logins and of sessions."""
        self._on_change(account_id)
        await self._connection.execute(_RAISE_VERSIONS, account_id, auth, sessions)

    async def count_login(self, account_id: AccountId, auth_version: int) -> int | None:
        """Count a session made by a login; return how many there ever were, 1 for the first.

        None, and nothing counted, if the account's logins have changed since then.
        """
        count = await self._connection.fetch_value(_COUNT_LOGIN, account_id, auth_version)
        return None if count is None else int(count)

    async def delete(self, account_id: AccountId) -> None:
        """Remove an account and its addresses."""
        await self._connection.execute(_DELETE_ADDRESSES, account_id)
        await self._connection.execute(_DELETE_HASHES, account_id)
        await self._connection.execute(_DELETE, account_id)

    async def list_addresses(self, account_id: AccountId) -> list[Address]:
        """Return the addresses that an administrator gave an account, the main one first."""
        return [Address(*row) for row in await self._connection.fetch_all(_LIST_ADDRESSES, account_id)]

    async def find_owner(self, address: str) -> AccountId | None:
        """Return the account that has exactly that address."""
        value = await self._connection.fetch_value(_FIND_OWNER, address)
        return None if value is None else AccountId(value)

    async def create_address(self, account_id: AccountId, address: Address) -> bool:
        """Give an address to an account; False if it is taken."""
        made = await self._connection.fetch_value(_CREATE_ADDRESS, address.address, account_id, address.kind)
        return made is not None

    async def delete_alias(self, account_id: AccountId, address: str) -> bool:
        """Take an alias from an account; False if it has no such alias."""
        return await self._connection.fetch_value(_DELETE_ALIAS, account_id, address) is not None
