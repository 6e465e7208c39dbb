"""The one row behind the unread counter and behind every check of a remembered login.

It joins two rows by their primary keys: the versions of the account, by which any process notices that what it
remembers of logins and sessions is no longer true, and the unread count of the Inbox.
"""

from typing import NamedTuple

FIND_BADGE = """
SELECT account.auth_version, account.session_version, folder.unread_items
FROM account JOIN folder ON folder.account_id = account.account_id AND folder.folder_id = $2
WHERE account.account_id = $1
"""


class Badge(NamedTuple):
    """The versions of an account and the number of unread mails in its Inbox."""

    auth_version: int
    session_version: int
    unread: int
