"""Records of message submission (RFC 6409): a message that an account sends through SMTP, and its recipients."""

from typing import NamedTuple


class SubmittedRecipient(NamedTuple):
    """A recipient: its address as it goes on the wire, which way it goes, and the parameters of RFC 3461."""

    address: str
    destination: str
    notify: str = ""
    orcpt: str = ""


class Submitted(NamedTuple):
    """All that is known of a message besides its content."""

    sender: str
    """The reverse-path, "" for the null path."""
    recipients: tuple[SubmittedRecipient, ...]
    from_: str
    """The value of From as one line."""
    sender_field: str
    """The value of Sender, "" if there is none."""
    needs_smtputf8: bool
    """Whether the content does; what the addresses ask for is found from them."""
    is_8bit: bool
    ret: str = ""
    envid: str = ""
