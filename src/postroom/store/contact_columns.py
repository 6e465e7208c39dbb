"""The columns of contacts, in the order of :class:`postroom.model.contact.Contact`."""

from postroom.model.contact import Contact

COLUMNS = ", ".join(Contact._fields)
LISTED = ", ".join(
    f"'' AS {name}" if name in {"notes", "members"} else f"contact.{name}" for name in Contact._fields
)
"""What lists show: all but what may be long."""
