"""The password of an account, compared with what somebody gives for it.

Whatever there is to compare with, the work is the same: an account that there is not, or that has no password, costs
a check as well.
"""

from postroom.auth.guessing import Guesses
from postroom.auth.passwords import PasswordHasher
from postroom.errors import bad_parameter
from postroom.model.account import Account


async def is_password_of(hasher: PasswordHasher, account: Account | None, password: str) -> bool:
    """Tell whether a password is that of an account; it never is where there is no account."""
    if account is not None and account.password_hash:
        return await hasher.verify(account.password_hash, password)
    return await hasher.verify_unknown(password)


async def require_password(
    hasher: PasswordHasher, guesses: Guesses, account: Account, *, password: str, client: str, parameter: str
) -> None:
    """Refuse who does not know the password of the account that they are logged in to.

    Args:
        hasher: compares.
        guesses: counts the wrong ones, by account and by source address.
        account: whose password it is.
        password: what was given.
        client: the source address.
        parameter: the name that it was given by.

    Raises: badParameter (``parameter``); tooManyRequests.
    """
    name = str(account.account_id)
    guesses.begin(name, client)
    try:
        is_right = await is_password_of(hasher, account, password)
    except BaseException:
        guesses.undone(name, client)
        raise
    if not is_right:
        raise bad_parameter(parameter, "that is not the present password")
    guesses.right(name, client)
