"""The columns of mails, in the order of :class:`postroom.model.mail.Mail`, and which rows of theirs are seen."""

from postroom.model.mail import Mail

_NAMES = ["size_bytes" if name == "size" else name for name in Mail._fields]
COLUMNS = ", ".join(_NAMES)
JOINED_COLUMNS = ", ".join(f"mail.{name}" for name in _NAMES)
"""The same, for statements that join tables."""
# LIMIT keeps SQLite from making a join of it, which takes four times as long.
VISIBLE = """EXISTS (SELECT 1 FROM folder
              WHERE folder.account_id = mail.account_id AND folder.folder_id = mail.folder_id LIMIT 1)"""
"""The mails of a folder that is gone are removed later, and not to be seen meanwhile."""
