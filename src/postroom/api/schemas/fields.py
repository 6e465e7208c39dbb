"""Kinds of values that several wire shapes share."""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api.ids import FOLDER_PATTERN, JOB_PATTERN, MAIL_PATTERN, MAX_NUMBER

_Value = TypeVar("_Value")


class Shape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of what is answered."""


FolderText = Annotated[str, Meta(pattern=FOLDER_PATTERN, description="Id of a folder.", examples=["80_2"])]
LabelText = Annotated[str, Meta(pattern=FOLDER_PATTERN, description="Id of a label.", examples=["80_7"])]
WebhookText = Annotated[
    str, Meta(pattern=FOLDER_PATTERN, description="Id of a webhook.", examples=["80_1829138862080131072"])
]
EntryText = Annotated[
    str, Meta(pattern=FOLDER_PATTERN, description="Id of an entry of a list.", examples=["80_1"])
]
SignatureText = Annotated[
    str, Meta(pattern=FOLDER_PATTERN, description="Id of a signature.", examples=["80_1354"])
]
AliasText = Annotated[
    str, Meta(pattern=FOLDER_PATTERN, description="Id of a temporary alias.", examples=["80_1355"])
]
MethodText = Annotated[
    str, Meta(pattern=FOLDER_PATTERN, description="Id of a security method.", examples=["80_1357"])
]
AccessTokenText = Annotated[
    str,
    Meta(pattern=FOLDER_PATTERN, description="Id of an app password or badge token.", examples=["80_1356"]),
]
MailText = Annotated[str, Meta(pattern=MAIL_PATTERN, description="Id of a mail.", examples=["ODBfMl8xMzU0"])]
ContactText = Annotated[
    str, Meta(pattern=MAIL_PATTERN, description="Id of a contact.", examples=["ODBfOF8x"])
]
ConversationText = Annotated[
    str, Meta(pattern=MAIL_PATTERN, description="Id of a conversation.", examples=["ODBfY18xMzU0"])
]
DateText = Annotated[
    str,
    Meta(
        pattern="^(0|-?[1-9][0-9]*)$", description="Unix seconds in UTC, in decimal.", examples=["1744407421"]
    ),
]
TokenText = Annotated[
    str, Meta(description="Opaque; changes exactly when the list changes.", examples=["bWFpbHM6ODBfMjoxNzQ0"])
]
JobText = Annotated[
    str, Meta(pattern=JOB_PATTERN, description="Key of a job.", examples=["eGfCkOoTr8nDkX5Y0yJm0lZ2"])
]
Number = Annotated[int, Meta(ge=0, le=MAX_NUMBER, examples=[0])]
Index = Annotated[
    int, Meta(ge=0, le=MAX_NUMBER, description="Number of an attachment or part.", examples=[0])
]
FilterNumber = Annotated[int, Meta(ge=1, le=6, description="Number of a filter.", examples=[1])]
Base64 = Annotated[bytes, Meta(examples=["SGVsbG8sIHdvcmxkCg=="])]


def or_none(value: _Value | UnsetType) -> _Value | None:
    """Return a member of a body, None where it is not given."""
    return None if value is UNSET else value


PATH_KINDS: dict[str, Any] = {
    "folder_id": FolderText,
    "contact_id": ContactText,
    "mail_id": MailText,
    "conversation_id": ConversationText,
    "label_id": LabelText,
    "part_id": Index,
    "attachment_id": Index,
    "inner_attachment_id": Index,
    "temporary_attachment_id": Number,
    "job_key": JobText,
    "operation_id": Number,
    "webhook_id": WebhookText,
    "signature_id": SignatureText,
    "temporary_alias_id": AliasText,
    "method_id": MethodText,
    "app_password_id": AccessTokenText,
    "badge_token_id": AccessTokenText,
    "white_id": EntryText,
    "black_id": EntryText,
    "filter_id": FilterNumber,
}
"""Kinds of what stands in paths, by the names of the parameters."""
