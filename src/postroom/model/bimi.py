"""Records of brand indicators (BIMI): what domains say of their logos, and the logos. Times are Unix milliseconds."""

from typing import NamedTuple

NEVER = 2**62
"""When a logo is to be fetched that need not be."""


class IndicatorKey(NamedTuple):
    """Where a domain says which logo is its: the record at ``<selector>._bimi.<domain>``."""

    domain: str
    """A-labels in lower case."""
    selector: str


class Indicator(NamedTuple):
    """What was found at a key."""

    location: str
    """Where the logo is; "" if there is none."""
    is_enforcing: int
    """The domain's policy (DMARC) is enforced."""
    expires_at: int
    """Until when it is used; 0 where nothing was found yet."""
    attempts: int
    """Look-ups that failed since the last that did not."""
    due_at: int
    """No other look-up before that."""


class WantedLogo(NamedTuple):
    """A logo that is to be fetched, and how often that was begun since it was fetched last."""

    location_md5: str
    location: str
    attempts: int


class Waiting(NamedTuple):
    """A content whose mails are to get the location of a key's logo."""

    account_id: int
    content_id: int
    is_enforced: int
    """The policy is known to be enforced."""
