"""Many tries at one account, from many addresses: few are checked, and the owner gets in."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest

from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.domain import cookie_logins
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.logins import Logins
from postroom.errors import Kind, PostroomError
from tests.api.test_cookie_logins import Browser, get_captcha
from tests.api.world import PASSWORD, Clock, User, World, basic

TRIES = 10_000
SECONDS = 500
"""How long it takes: one try in thirty seconds is let through."""


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which passwords are checked."""
    checked: list[str] = []
    verify = PasswordHasher.verify

    async def note(self: PasswordHasher, password_hash: str, password: str) -> bool:
        checked.append(password)
        return await verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", note)
    return checked


async def test_ten_thousand_tries_at_one_account(world: World, ann: User, checks: list[str]) -> None:
    assert (await ann.client.get("/api/v1/mails/counters")).status_code == 200
    names = ["ann@example.test", "Ann@EXAMPLE.test", "ann@example.net"]
    await world.directory.add_domain("example.net", alias_of="example.test")
    checks.clear()
    for number in range(TRIES):
        world.clock.now += SECONDS / TRIES
        authorization = basic(names[number % 3], f"guess {number}")
        client = f"2001:db8:{number:x}::1" if number % 2 else f"198.51.{number % 200}.{number % 250}"
        with pytest.raises(PostroomError) as caught:
            await world.domain.logins.authenticate(authorization, None, client=client)
        assert caught.value.kind in {Kind.UNAUTHENTICATED, Kind.LIMITED}
    assert 10 <= len(checks) < 30
    # What the owner's programs have goes on, and the owner gets in anew.
    assert (await ann.client.get("/api/v1/mails/counters")).status_code == 200
    assert (await Browser(world).try_login()).status_code == 401
    assert (await Browser(world).try_login(**await get_captcha(world))).status_code == 200


# How long refusals take

PAIRS, WARMUP = 250, 20
SHUFFLES = 2000
UNLIKELY = 0.001


class Try(NamedTuple):
    """A login that is refused, and what is done before it."""

    attempt: Callable[[], Awaitable[object]]
    prepare: Callable[[], Awaitable[object]] | None = None


def find_likelihood(first: list[float], second: list[float]) -> float:
    """Return how likely times differ as much as these if there is no difference (a permutation test on pairs).

    What is compared is the mean without the slowest and quickest tenth, as others use the machine too.
    """
    differences = [one - other for one, other in zip(first, second, strict=True)]
    seen, generator = abs(_trimmed_mean(differences)), random.Random(1)  # noqa: S311 (no secret)
    as_far = sum(
        abs(_trimmed_mean([one * generator.choice((-1, 1)) for one in differences])) >= seen
        for _ in range(SHUFFLES)
    )
    return (as_far + 1) / (SHUFFLES + 1)


def _trimmed_mean(values: list[float]) -> float:
    cut = len(values) // 10
    return statistics.fmean(sorted(values)[cut:-cut])


async def compare(clock: Clock, tries: dict[str, Try]) -> dict[str, float]:
    """Return of each kind of try how likely it takes as long as the first kind; they take turns, in any order."""
    times: dict[str, list[float]] = {name: [] for name in tries}
    generator = random.Random(7)  # noqa: S311 (no secret)
    for number in range(PAIRS + WARMUP):
        for name in generator.sample(list(tries), len(tries)):
            clock.now += 1000.0  # nothing that was tried before counts
            if (prepare := tries[name].prepare) is not None:
                await prepare()
            started = time.perf_counter()
            await tries[name].attempt()
            if number >= WARMUP:
                times[name].append(time.perf_counter() - started)
    first, *others = times
    return {name: find_likelihood(times[first], times[name]) for name in others}


def test_the_test_tells_a_difference() -> None:
    generator = random.Random(3)  # noqa: S311 (no secret)
    first = [generator.gauss(20, 3) for _ in range(PAIRS)]
    same = [generator.gauss(20, 3) for _ in range(PAIRS)]
    slower = [generator.gauss(21, 3) for _ in range(PAIRS)]
    assert find_likelihood(first, same) > 0.01
    assert find_likelihood(first, slower) < UNLIKELY


@pytest.mark.nightly
async def test_refusals_of_basic_take_the_same_time(world: World) -> None:
    config, classes = AuthConfig(), {"default": AccountClass()}
    hasher = PasswordHasher(config)
    directory = Directory(world.store, hasher, classes, clock=world.clock)
    for name in ("ann", "ben"):
        await directory.add_account(f"{name}@example.test", AccountSettings(password=PASSWORD))
    await directory.set_enabled("ben@example.test", enabled=False)
    logins = Logins(world.store, config, hasher=hasher, classes=classes, now=world.clock)

    async def attempt(name: str, password: str) -> None:
        with pytest.raises(PostroomError) as caught:
            await logins.authenticate(basic(f"{name}@example.test", password), None, client="192.0.2.1")
        assert caught.value.kind is Kind.UNAUTHENTICATED

    try:
        likely = await compare(
            world.clock,
            {
                "wrong password": Try(partial(attempt, "ann", "guess")),
                "unknown account": Try(partial(attempt, "nobody", "guess")),
                "disabled account": Try(partial(attempt, "ben", PASSWORD)),
            },
        )
    finally:
        hasher.close()
    assert min(likely.values()) > UNLIKELY, likely


@pytest.mark.nightly
@pytest.mark.timeout(600)  # Each of a thousand tries is answered after a tenth of a second.
async def test_refusals_of_cookie_logins_take_the_same_time(
    world: World, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cookie_logins, "REFUSED_SECONDS", 0.1)
    await world.directory.set_enabled("ben@example.test", enabled=False)
    await world.add_account("cara@example.test")
    browser = Browser(world)

    async def attempt(name: str, password: str, **more: str) -> None:
        response = await browser.try_login(f"{name}@example.test", password, **more)
        assert response.status_code == 401

    async def require_captcha() -> None:
        name = await world.domain.logins.count_as("cara@example.test")
        for _ in range(3):
            await world.domain.logins.failed.note(name)

    likely = await compare(
        world.clock,
        {
            "wrong password": Try(partial(attempt, "ann", "guess")),
            "unknown account": Try(partial(attempt, "nobody", "guess")),
            "disabled account": Try(partial(attempt, "ben", PASSWORD)),
            "wrong captcha": Try(
                partial(attempt, "cara", PASSWORD, captchaId="x", captchaText="y"), require_captcha
            ),
        },
    )
    assert min(likely.values()) > UNLIKELY, likely
