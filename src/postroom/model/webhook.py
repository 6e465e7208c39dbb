"""Records of webhooks: who is told of what, and how far."""

from typing import NamedTuple, NewType

from postroom.model.ids import AccountId, FolderId, Modseq

WebhookId = NewType("WebhookId", int)
"""Number of a webhook, never given out twice; later ones have higher numbers."""

DELIVERED = "mail.delivered"
SENT = "mail.sent"
BOUNCED = "mail.bounced"
CHANGED = "mail.changed"
REMOVED = "mail.removed"
FOLDER_CHANGED = "folder.changed"
COUNTERS_CHANGED = "counters.changed"
KINDS = (DELIVERED, SENT, BOUNCED, CHANGED, REMOVED, FOLDER_CHANGED, COUNTERS_CHANGED)
"""What a hook can be told of."""


class WebhookRef(NamedTuple):
    """A webhook, named across accounts."""

    owner: AccountId
    webhook: WebhookId


class Webhook(NamedTuple):
    """A webhook, as stored. Times are Unix milliseconds, 0 where there is none."""

    webhook_id: WebhookId
    account_id: AccountId
    owner_id: AccountId
    """Whose history is told: the account's own, or that of who shares the folder with it."""
    url: str
    kinds: str
    """Members of :data:`KINDS`, separated by spaces."""
    folder_id: FolderId
    """Only what concerns this folder is told; 0 for all folders."""
    nonce: bytes
    is_enabled: int
    position: Modseq
    """All operations up to here have been told."""
    told_at: int
    """When the last of them was done."""
    last_delivery_at: int
    failing_since: int
    attempts: int
    """Attempts that failed since the last that did not."""
    next_attempt_at: int
    """Not before; 0 for at once."""
    leased_until: int
    """A process works on it until then; 0 if none does."""
    failure: str
    """What is wrong; "" if nothing."""
