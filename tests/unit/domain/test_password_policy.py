"""What the policy of a class asks of passwords."""

from typing import Any

import pytest

from postroom.config.classes import ContentPolicy, Expiration, History, PasswordPolicy, RenewalInterval
from postroom.domain.password_policy import (
    DAY_SECONDS,
    NEVER,
    check_content,
    describe,
    find_due,
    is_warned,
    seconds_of,
)
from postroom.errors import PostroomError
from postroom.model.account import ACTIVE, Account, PastPassword
from postroom.model.ids import AccountId

DAY = "2030-06-15"
DAY_AT = seconds_of(DAY)
OWN, GIVEN = 1, 0


def make_account(*, must_change: int = 0, created_at: int = 0) -> Account:
    return Account(
        account_id=AccountId(1),
        address="ann@example.test",
        full_name="",
        class_name="default",
        language="en",
        state=ACTIVE,
        password_hash="x",
        must_change_password=must_change,
        auth_version=1,
        session_version=1,
        created_at=created_at * 1000,
        login_count=0,
    )


def password(set_at: float, is_own: int = GIVEN) -> PastPassword:
    return PastPassword(int(set_at * 1000), is_own, "x")


EXPIRING = PasswordPolicy(expiration=Expiration(enabled=True, date=DAY, warning_interval=3))
RENEWED = PasswordPolicy(renewal_interval=RenewalInterval(enabled=True, interval=10))
BOTH = PasswordPolicy(renewal_interval=RENEWED.renewal_interval, expiration=EXPIRING.expiration)
WARNING_AT = DAY_AT - 3 * DAY_SECONDS


@pytest.mark.parametrize(
    ("policy", "present", "due"),
    [
        (PasswordPolicy(), None, NEVER),
        (PasswordPolicy(), password(0), NEVER),
        (RENEWED, password(5), 5 + 10 * DAY_SECONDS),
        (RENEWED, None, 7 + 10 * DAY_SECONDS),
        (EXPIRING, None, DAY_AT),
        (EXPIRING, password(WARNING_AT - 1, OWN), DAY_AT),
        (EXPIRING, password(WARNING_AT, OWN), NEVER),
        (EXPIRING, password(WARNING_AT, GIVEN), DAY_AT),
        (EXPIRING, password(DAY_AT - 1, GIVEN), DAY_AT),
        (EXPIRING, password(DAY_AT, GIVEN), NEVER),
        (BOTH, password(0), 10 * DAY_SECONDS),
        (BOTH, password(DAY_AT - 9 * DAY_SECONDS), DAY_AT),
        (BOTH, password(DAY_AT), DAY_AT + 10 * DAY_SECONDS),
        (PasswordPolicy(expiration=Expiration(date=DAY)), password(0), NEVER),
        (PasswordPolicy(expiration=Expiration(enabled=True)), password(0), NEVER),
    ],
)
def test_due(policy: PasswordPolicy, present: PastPassword | None, due: float) -> None:
    assert find_due(policy, make_account(created_at=7), present) == due
    assert find_due(policy, make_account(must_change=1), present) == 0


@pytest.mark.parametrize(
    ("present", "now", "warned"),
    [
        (None, WARNING_AT - 1, False),
        (None, WARNING_AT, True),
        (password(0, OWN), DAY_AT - 1, True),
        (password(0, OWN), DAY_AT, False),
        (password(WARNING_AT, OWN), WARNING_AT + 1, False),
        (password(WARNING_AT, GIVEN), WARNING_AT + 1, True),
    ],
)
def test_warnings(present: PastPassword | None, now: float, warned: bool) -> None:
    assert is_warned(EXPIRING, make_account(), present, now=now) is warned
    assert not is_warned(PasswordPolicy(), make_account(), present, now=now)


def reason_of(text: str, **content: Any) -> str:
    """Return why a password is refused, "" if it is not."""
    policy = PasswordPolicy(content_policy=ContentPolicy(enabled=True, **content))
    try:
        check_content(policy, text, parameter="newPassword")
    except PostroomError as error:
        return str(error.details.get("reason", "form"))
    return ""


@pytest.mark.parametrize(
    ("text", "need", "reason"),
    [
        ("abcdefgh", "letters", ""),
        ("12345678", "letters", "mustInclude"),
        ("\u4f60\u597d\u4f60\u597d\u4f60\u597d\u4f60\u597d", "letters", ""),
        ("abcdefg1", "lettersAndNumbers", ""),
        ("abcdefg\u0667", "lettersAndNumbers", ""),
        ("abcdefg ", "lettersAndNumbers", "mustInclude"),
        ("abcdef1 ", "lettersAndNumbersAndSpecial", ""),
        ("abcdef1\u20ac", "lettersAndNumbersAndSpecial", ""),
        ("abcdef1\u0301x", "lettersAndNumbersAndSpecial", "mustInclude"),
        ("abcdef1\u200d", "lettersAndNumbersAndSpecial", "mustInclude"),
        ("", "letters", "form"),
        ("abcdefgh\ud800", "letters", "form"),
        ("abcdefgh\x85", "letters", "form"),
    ],
)
def test_must_include(text: str, need: str, reason: str) -> None:
    assert reason_of(text, must_include=need) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "minLength"),
        ("abcd", ""),
        ("abcdef", ""),
        ("abcdefg", "maxLength"),
        ("e\u0301" * 6, ""),
        ("e\u0301" * 3, "minLength"),
        ("\U0001f511\U0001f511ab", ""),
    ],
)
def test_lengths(text: str, reason: str) -> None:
    assert reason_of(text, min_length=4, max_length=6) == reason


def test_what_programs_are_told() -> None:
    policy = PasswordPolicy(history=History(enabled=True, size=4))
    assert describe(policy) == {"minLength": 1, "maxLength": 4096, "mustInclude": "", "historySize": 4}
    assert describe(BOTH) == {"minLength": 1, "maxLength": 4096, "mustInclude": "", "renewalInterval": 10}
