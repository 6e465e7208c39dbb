"""What an account says of itself: contact information, a picture, signatures."""

from postroom.model.ids import AccountId
from postroom.model.profile import ContactInfo, Picture, Signature, SignatureHead, SignatureId
from postroom.store.engine.base import Connection

_FIND = """
SELECT title, first_name, middle_name, last_name, suffix, personal_address FROM profile WHERE account_id = $1
"""
_PUT = """
INSERT INTO profile (account_id, title, first_name, middle_name, last_name, suffix, personal_address)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id) DO UPDATE
SET title = excluded.title, first_name = excluded.first_name, middle_name = excluded.middle_name,
    last_name = excluded.last_name, suffix = excluded.suffix, personal_address = excluded.personal_address
"""
_FIND_AVATAR = "SELECT media_type, data FROM avatar WHERE account_id = $1"
_PUT_AVATAR = """
INSERT INTO avatar (account_id, media_type, data) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET media_type = excluded.media_type, data = excluded.data
"""
_DELETE_AVATAR = "DELETE FROM avatar WHERE account_id = $1"
_LIST = "SELECT signature_id, name, kind FROM signature WHERE account_id = $1 ORDER BY signature_id"
_GET = "SELECT signature_id, name, kind, body FROM signature WHERE account_id = $1 AND signature_id = $2"
_PUT_SIGNATURE = """
INSERT INTO signature (account_id, signature_id, name, kind, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, signature_id) DO UPDATE
SET name = excluded.name, kind = excluded.kind, body = excluded.body
"""
_DELETE_SIGNATURE = "DELETE FROM signature WHERE account_id = $1 AND signature_id = $2 RETURNING signature_id"


class ProfileRepo:
    """The contact information and the picture of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self) -> ContactInfo:
        """Return the contact information, an empty one if none was ever given."""
        row = await self._connection.fetch_row(_FIND, self._account_id)
        return ContactInfo() if row is None else ContactInfo(*row)

    async def put(self, info: ContactInfo) -> None:
        """Store the contact information."""
        await self._connection.execute(_PUT, self._account_id, *info)

    async def find_avatar(self) -> Picture | None:
        """Return the picture."""
        row = await self._connection.fetch_row(_FIND_AVATAR, self._account_id)
        return None if row is None else Picture(*row)

    async def put_avatar(self, picture: Picture) -> None:
        """Store the picture."""
        await self._connection.execute(_PUT_AVATAR, self._account_id, *picture)

    async def delete_avatar(self) -> None:
        """Remove the picture, if there is one."""
        await self._connection.execute(_DELETE_AVATAR, self._account_id)


class SignatureRepo:
    """The signatures of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_all(self) -> list[SignatureHead]:
        """Return all signatures without their texts, the oldest first."""
        return [SignatureHead(*row) for row in await self._connection.fetch_all(_LIST, self._account_id)]

    async def find(self, signature_id: SignatureId) -> Signature | None:
        """Return a signature."""
        row = await self._connection.fetch_row(_GET, self._account_id, signature_id)
        return None if row is None else Signature(*row)

    async def put(self, signature: Signature) -> None:
        """Store a signature in the place of the one of that number, if there is one."""
        await self._connection.execute(_PUT_SIGNATURE, self._account_id, *signature)

    async def delete(self, signature_id: SignatureId) -> bool:
        """Remove a signature; False if there is none of that number."""
        found = await self._connection.fetch_value(_DELETE_SIGNATURE, self._account_id, signature_id)
        return found is not None
