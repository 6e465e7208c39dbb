"""What the security policy of a class says of methods: which may be set up, and what each is good for."""

from collections.abc import Callable
from typing import Final, Literal

from postroom.config.classes import AccountClass, SecurityPolicy
from postroom.model.account import FULL, SECOND, SETUP
from postroom.model.factor import AUTH_APP, EMAIL, SMS, TwoFactor

Use = Literal["general", "2fa", "usernameRecovery", "passwordRecovery"]
SECOND_STEP: Final[Use] = "2fa"
USERNAME_RECOVERY: Final[Use] = "usernameRecovery"
PASSWORD_RECOVERY: Final[Use] = "passwordRecovery"  # noqa: S105 (a use of methods)

_MAY_CREATE: Final[dict[str, Callable[[SecurityPolicy], bool]]] = {
    EMAIL: lambda policy: policy.security_methods.alternate_email_address,
    SMS: lambda policy: policy.security_methods.phone_number,
    AUTH_APP: lambda policy: may_use(policy, AUTH_APP, SECOND_STEP),
}


def may_create(policy: SecurityPolicy, kind: str) -> bool:
    """Tell whether a method of a kind may be set up."""
    return _MAY_CREATE[kind](policy)


def may_use(policy: SecurityPolicy, kind: str, use: Use) -> bool:
    """Tell whether methods of a kind are good for something."""
    two_factor = policy.two_factor_auth_policy
    match use:
        case "general":
            return True
        case "2fa":
            return two_factor.status != "disabled" and kind in two_factor.methods
        case "usernameRecovery":
            return kind in policy.username_recovery_methods
        case "passwordRecovery":
            return kind in policy.password_recovery_methods


def may_recover_password(account_class: AccountClass) -> bool:
    """Tell whether users may change a password that they have forgotten; not where they may change none at all."""
    restrictions = account_class.restrictions
    return restrictions.password_policy.allow_change_by_user and bool(
        restrictions.security_policy.password_recovery_methods
    )


def is_in_force(policy: SecurityPolicy, state: TwoFactor) -> bool:
    """Tell whether an account's logins have two steps: it is on, and its class has not forbidden it since."""
    return bool(state.enabled_at) and policy.two_factor_auth_policy.status != "disabled"


def find_stage(policy: SecurityPolicy, state: TwoFactor) -> str:
    """Return the stage of a login by password: what it waits for."""
    if is_in_force(policy, state):
        return SECOND
    return SETUP if policy.two_factor_auth_policy.status == "mandatory" else FULL
