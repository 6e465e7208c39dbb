"""Who may touch what: the one check between a caller and another account's data."""

from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.ids import AccountId


def require_own(caller: Caller, owner: AccountId, what: str) -> None:
    """Refuse what belongs to another account. Raises: notFound, since its existence is not the caller's to know."""
    if owner != caller.account_id:
        raise not_found(what)
