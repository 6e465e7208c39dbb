"""Section ``[auth]``: logins, sessions, limits on guessing, and the cost of password hashes."""

from collections.abc import Iterator
from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class AuthConfig:
    """Options of authentication."""

    alias_logins: bool = option(True, "Aliases of an account may be used to log in.")
    captcha_after: int = option(
        3,
        "Failed logins for a name within the window, before a cookie login needs a captcha.",
        minimum=0,
    )
    attempts_window_seconds: int = option(
        900, "Failed logins are counted over this time.", unit="seconds", minimum=1
    )
    attempts_per_address: int = option(
        20, "Failed logins from an address within the window, before it gets 429; 0: no limit.", minimum=0
    )
    attempts_per_name: int = option(
        10, "Failed logins for a name within the window, before tries are spaced; 0: no limit.", minimum=0
    )
    retry_name_seconds: int = option(
        30, "One try is let through in this time once a name is over its limit.", unit="seconds", minimum=1
    )
    session_idle_seconds: int = option(
        1800, "A session ends when it is not used for this time.", unit="seconds", minimum=60
    )
    session_absolute_seconds: int = option(
        86_400, "A session ends after this time, used or not.", unit="seconds", minimum=60
    )
    session_remembered_seconds: int = option(
        2_592_000,
        "The same for cookie logins that ask to be remembered; want of use does not end them.",
        unit="seconds",
        minimum=60,
    )
    cache_lifetime_seconds: int = option(
        3600,
        "A successful check of a password is remembered in memory for this time; 0: never.",
        unit="seconds",
        minimum=0,
    )
    cache_entries: int = option(20_000, "Successful checks remembered at the same time.", minimum=0)
    argon2_time_cost: int = option(2, "Passes of argon2id over its memory.", minimum=1, maximum=100)
    argon2_memory_kib: int = option(
        19_456, "Memory that argon2id fills for each password.", unit="KiB", minimum=8, maximum=4_194_304
    )
    argon2_parallelism: int = option(1, "Lanes of argon2id.", minimum=1, maximum=64)
    hash_threads: int = option(2, "Passwords hashed at the same time.", minimum=1, maximum=64)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.session_idle_seconds > self.session_absolute_seconds:
            yield "session_idle_seconds", "must not be longer than auth.session_absolute_seconds"
        if self.argon2_memory_kib < 8 * self.argon2_parallelism:
            yield "argon2_memory_kib", "must be at least 8 times auth.argon2_parallelism"
