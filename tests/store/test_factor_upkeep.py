"""What logins and second steps leave behind is removed when it counts no more."""

from postroom.config.auth import AuthConfig
from postroom.domain.factor_upkeep import SLICE, purge_failed_logins
from postroom.store import Store

NOW = 1_750_000_000_000
WINDOW = 900
OLD, RECENT = NOW - WINDOW * 1000 - 1, NOW - WINDOW * 1000 + 1


async def test_failed_logins_and_captchas_that_count_no_more_go(store: Store) -> None:
    config, many = AuthConfig(attempts_window_seconds=WINDOW), SLICE + 20
    async with store.directory_transaction() as tx:
        for number in range(many):
            name = b"%d" % number
            await tx.failed_logins.add(name, OLD, try_id=number, keep=3)
            await tx.used_captchas.use(name, expires_at=NOW - 1)
        await tx.failed_logins.add(b"0", RECENT, try_id=many, keep=3)
        await tx.used_captchas.use(b"recent", expires_at=NOW + 1)
    assert await purge_failed_logins(store, config, now_ms=NOW) == 2 * many
    assert await purge_failed_logins(store, config, now_ms=NOW) == 0
    async with store.directory_transaction() as tx:
        assert await tx.failed_logins.count(b"0", since=0) == 1
        assert not await tx.used_captchas.use(b"recent", expires_at=NOW + 1)
