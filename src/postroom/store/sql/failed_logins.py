"""Failed logins by name, and the captchas that were tried."""

from postroom.store.engine.base import Connection

_COUNT = "SELECT count(*) FROM failed_login WHERE name_hash = $1 AND failed_at > $2"
_ADD = "INSERT INTO failed_login (name_hash, failed_at, try_id) VALUES ($1, $2, $3)"
_DELETE = "DELETE FROM failed_login WHERE name_hash = $1 AND failed_at = $2 AND try_id = $3"
_DELETE_ALL = "DELETE FROM failed_login WHERE name_hash = $1"
_DELETE_BEYOND = """
DELETE FROM failed_login WHERE name_hash = $1 AND (failed_at, try_id) IN
    (SELECT failed_at, try_id FROM failed_login WHERE name_hash = $1
     ORDER BY failed_at DESC, try_id DESC LIMIT 1000 OFFSET $2)
"""
_DELETE_OLD = """
DELETE FROM failed_login WHERE (name_hash, failed_at, try_id) IN
    (SELECT name_hash, failed_at, try_id FROM failed_login WHERE failed_at < $1 LIMIT $2)
RETURNING try_id
"""
_USE = """
INSERT INTO used_captcha (captcha_hash, expires_at) VALUES ($1, $2)
ON CONFLICT (captcha_hash) DO NOTHING RETURNING captcha_hash
"""
_DELETE_EXPIRED = """
DELETE FROM used_captcha WHERE captcha_hash IN
    (SELECT captcha_hash FROM used_captcha WHERE expires_at < $1 LIMIT $2)
RETURNING expires_at
"""


class FailedLoginRepo:
    """The failed logins of all names. Times are Unix milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, name_hash: bytes, *, since: int) -> int:
        """Return how many of the logins for a name that are kept have failed after a time."""
        return int(await self._connection.fetch_value(_COUNT, name_hash, since))

    async def add(self, name_hash: bytes, failed_at: int, *, try_id: int, keep: int) -> None:
        """Note a failed login; beyond ``keep`` of that name the oldest are forgotten."""
        await self._connection.execute(_ADD, name_hash, failed_at, try_id)
        await self._connection.execute(_DELETE_BEYOND, name_hash, keep)

    async def delete(self, name_hash: bytes, failed_at: int, *, try_id: int) -> None:
        """Forget one failed login."""
        await self._connection.execute(_DELETE, name_hash, failed_at, try_id)

    async def delete_all(self, name_hash: bytes) -> None:
        """Forget the failed logins of a name."""
        await self._connection.execute(_DELETE_ALL, name_hash)

    async def delete_old(self, before: int, *, limit: int) -> int:
        """Forget up to ``limit`` of the logins that failed before a time; return how many."""
        return len(await self._connection.fetch_all(_DELETE_OLD, before, limit))


class UsedCaptchaRepo:
    """The captchas that were tried. Times are Unix milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, captcha_hash: bytes, *, expires_at: int) -> bool:
        """Note that a captcha is tried; False if it was before. Of several who try, one gets True."""
        return await self._connection.fetch_value(_USE, captcha_hash, expires_at) is not None

    async def delete_expired(self, before: int, *, limit: int) -> int:
        """Forget up to ``limit`` of those that expired before a time; return how many."""
        return len(await self._connection.fetch_all(_DELETE_EXPIRED, before, limit))
