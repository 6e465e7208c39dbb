"""The account's information."""

from typing import Any

import pytest

from postroom.api.schemas.accounts import render_info
from postroom.config.classes import (
    AccountClass,
    Expiration,
    PasswordPolicy,
    Restrictions,
    SecurityMethods,
    SecurityPolicy,
    UpdatePolicy,
)
from postroom.domain.accounts import AccountInfo
from postroom.model.account import ACTIVE, Account
from postroom.model.ids import AccountId
from tests.api.world import User, make_message

PATH = "/api/v1/account/info"
LIMITED = AccountClass(messages=10, quota_kb=100)
DAY = "2025-04-20"
DAY_SECONDS = 1_745_107_200


@pytest.fixture
def classes() -> dict[str, AccountClass]:
    return {"default": AccountClass(), "limited": LIMITED}


def shape(value: Any) -> Any:
    """Return the nesting of members with the types of their values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return type(value).__name__


INTERVAL = {"date": "str", "warningInterval": "int", "inWarningInterval": "bool"}
SHAPE = {
    "accountName": "str",
    "domainName": "str",
    "fullName": "str",
    "folderContainerId": "str",
    "accountClass": "str",
    "totalMessageCount": "int",
    "usedMessageCount": "int",
    "remainingMessageCount": "int",
    "totalQuota": "int",
    "usedQuota": "int",
    "remainingQuota": "int",
    "overQuotaThreshold": "int",
    "isFirstApiLogin": "bool",
    "allowConversationView": "bool",
    "autopurge": {"spam": "bool", "trash": "bool", "interval": "int"},
    "twoFactorAuthConfigured": "bool",
    "restrictions": {
        "passwordPolicy": {
            "mustChangePassword": "bool",
            "contentPolicy": {
                "enabled": "bool",
                "minLength": "int",
                "maxLength": "int",
                "mustInclude": "str",
            },
            "history": {"enabled": "bool", "size": "int"},
            "allowChangeByUser": "bool",
            "renewalInterval": {"enabled": "bool", "interval": "int"},
            "expiration": {"enabled": "bool", **INTERVAL},
        },
        "temporaryAliases": {"enabled": "bool", "maxNumberOfAliases": "int"},
        "securityPolicy": {
            "securityMethods": {
                "isMandatory": "bool",
                "alternateEmailAddress": "bool",
                "phoneNumber": "bool",
                "updatePolicy": INTERVAL,
            },
            "twoFactorAuthPolicy": {"status": "str", "methods": "list"},
            "usernameRecoveryMethods": "list",
            "passwordRecoveryMethods": "list",
        },
    },
}


async def test_shape(ann: User) -> None:
    info = await ann.get(PATH)
    assert shape(info) == SHAPE
    assert info["accountName"] == "ann"
    assert info["domainName"] == "example.test"
    assert info["fullName"] == "Ann Example"
    assert info["folderContainerId"] == f"{ann.account.account_id}_1"
    assert info["accountClass"] == "default"
    assert (info["totalMessageCount"], info["remainingMessageCount"]) == (0, 0)
    assert (info["totalQuota"], info["remainingQuota"]) == (0, 0)


async def test_use(ann: User) -> None:
    raw = make_message(text="x" * 3000)
    await ann.deliver(raw)
    limited = await ann.world.add_account("limited@example.test", class_name="limited")
    await limited.deliver(raw)
    info, other = await ann.get(PATH), await limited.get(PATH)
    assert (info["usedMessageCount"], other["usedMessageCount"]) == (1, 1)
    assert other["accountClass"] == "limited"
    assert (other["totalMessageCount"], other["remainingMessageCount"]) == (10, 9)
    assert other["totalQuota"] == 100
    assert other["usedQuota"] == info["usedQuota"] >= 3
    assert other["remainingQuota"] == 100 - other["usedQuota"]


async def test_first_login(ann: User) -> None:
    assert (await ann.get(PATH))["isFirstApiLogin"] is False
    first, second = [(await ann.client.post("/api/v1/login")).json()["sessid"] for _ in range(2)]
    for sessid, is_first in [(first, True), (second, False), (first, True)]:
        response = await ann.client.get(PATH, headers={"X-Axigen-Session": sessid})
        assert response.json()["isFirstApiLogin"] is is_first


async def test_etag(ann: User) -> None:
    tag = (await ann.client.get(PATH)).headers["etag"]
    assert (await ann.client.get(PATH, headers={"If-None-Match": tag})).status_code == 304
    await ann.deliver(make_message())
    assert (await ann.client.get(PATH, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize(
    ("now", "is_near"),
    [
        (DAY_SECONDS - 8 * 86_400, False),
        (DAY_SECONDS - 7 * 86_400, True),
        (DAY_SECONDS, True),
        (DAY_SECONDS + 1, False),
    ],
)
def test_days_ahead(now: int, is_near: bool) -> None:
    policies = Restrictions(
        password_policy=PasswordPolicy(expiration=Expiration(enabled=True, date=DAY)),
        security_policy=SecurityPolicy(
            security_methods=SecurityMethods(is_mandatory=True, update_policy=UpdatePolicy(date=DAY))
        ),
    )
    account = Account(AccountId(1), "ann@example.test", "", "default", "en", ACTIVE, "", 0, 1, 1, 0, 0)
    info = AccountInfo(account, AccountClass(restrictions=policies), 0, 0, False)
    shown = render_info(info, now_seconds=now).restrictions
    assert shown.password_policy.expiration.date == str(DAY_SECONDS)
    assert shown.security_policy.security_methods.update_policy.date == str(DAY_SECONDS)
    assert shown.security_policy.security_methods.update_policy.in_warning_interval is is_near
