"""Shapes of webhooks, and of what they are told."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import DateText, FolderText, Number, Shape, WebhookText
from postroom.domain.webhook_urls import MAX_URL_CHARS
from postroom.domain.webhooks import Start
from postroom.model.webhook import Webhook as StoredWebhook

KindText = Literal[
    "mail.delivered",
    "mail.sent",
    "mail.bounced",
    "mail.changed",
    "mail.removed",
    "folder.changed",
    "counters.changed",
]
URLText = Annotated[
    str,
    Meta(
        max_length=MAX_URL_CHARS,
        description="Where messages are sent to: http or https, with no user name or password.",
        examples=["https://hooks.example.com/mail"],
    ),
]
Kinds = Annotated[list[KindText], Meta(min_length=1, description="What is told; by default everything.")]
FolderChoice = Annotated[
    FolderText | None, Meta(description="Only this folder is told of; null for all of one's own.")
]


class NewWebhook(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A webhook to be made."""

    url: URLText
    kinds: Kinds | UnsetType = UNSET
    folder_id: FolderChoice = None
    enabled: bool = True


class WebhookChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be changed of a webhook."""

    url: URLText | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    folder_id: FolderChoice | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookFailure(Shape, frozen=True):
    """What is wrong with a webhook."""

    message: Annotated[str, Meta(examples=["the answer was 503"])]
    since: DateText | None
    attempts: Annotated[Number, Meta(description="Attempts that failed since the last that did not.")]
    next_attempt: Annotated[
        DateText | None, Meta(description="When it is tried again; null if it is not, or at once.")
    ]


class Webhook(Shape, frozen=True):
    """A webhook. Its secret is there once: in the answer to the call that makes it."""

    id: WebhookText
    url: URLText
    kinds: Kinds
    folder_id: FolderChoice
    enabled: bool
    last_delivery: Annotated[DateText | None, Meta(description="When a message was last delivered.")]
    failure: WebhookFailure | None
    secret: (
        Annotated[
            str,
            Meta(
                description="Key of the signatures, shown this once.",
                examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            ),
        ]
        | UnsetType
    ) = UNSET


class WebhookList(Shape, frozen=True):
    """All webhooks of the account, oldest first."""

    items: list[Webhook]


class Replay(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where to start again."""

    from_: Annotated[
        Annotated[Number, Meta(description="A position, as messages have it.")] | DateText,
        Meta(description="A position (a number), or a date (a string)."),
    ] = msgspec.field(name="from")


class ReplayStart(Shape, frozen=True):
    """Where a webhook starts again."""

    position: Annotated[Number, Meta(description="Everything from this position on is told.")]
    complete: Annotated[bool, Meta(description="False if not everything that was asked for is still known.")]


def render_webhook(hook: StoredWebhook, *, secret: str | None = None) -> Webhook:
    """Return ``hook``, with its secret where it is to be shown."""
    return Webhook(
        ids.render_webhook(hook.account_id, hook.webhook_id),
        hook.url,
        hook.kinds.split(),  # type: ignore[arg-type]
        ids.render_folder(hook.owner_id, hook.folder_id) if hook.folder_id else None,
        hook.is_enabled == 1,
        _render_date(hook.last_delivery_at),
        _render_failure(hook),
        UNSET if secret is None else secret,
    )


def _render_failure(hook: StoredWebhook) -> WebhookFailure | None:
    if not hook.failure:
        return None
    next_attempt_at = hook.next_attempt_at if hook.is_enabled else 0
    return WebhookFailure(
        hook.failure, _render_date(hook.failing_since), hook.attempts, _render_date(next_attempt_at)
    )


def _render_date(milliseconds: int) -> str | None:
    return str(milliseconds // 1000) if milliseconds else None


def render_start(start: Start) -> ReplayStart:
    """Return where a replay begins."""
    return ReplayStart(start.position, start.is_complete)
