"""Records of temporary attachments: files that a session has uploaded, to be attached to what it writes."""

from typing import NamedTuple, NewType

from postroom.model.ids import AccountId, SessionId

TemporaryAttachmentId = NewType("TemporaryAttachmentId", int)


class TemporaryAttachment(NamedTuple):
    """A file of a session, as stored; the content lies in the store of uploads under ``blob_name``."""

    account_id: AccountId
    attachment_id: TemporaryAttachmentId
    session_id: SessionId
    blob_name: bytes
    name: str
    """Made safe, never empty."""
    content_type: str
    """Lower-case ``type/subtype``."""
    content_id: str
    """Without angle brackets, "" if none."""
    is_inline: int
    size_bytes: int
    created_at: int
    """Unix milliseconds."""
    draft_item_id: int = 0
    """The draft that was saved with it last."""


class WantedAttachment(NamedTuple):
    """A file that is to be attached; None: as it was stored."""

    attachment_id: TemporaryAttachmentId
    content_id: str | None = None
    is_inline: bool | None = None
