"""Shapes of an account's absence notice."""

from typing import Annotated

from msgspec import Meta

from postroom.api.schemas.fields import DateText, Shape
from postroom.domain.vacation import MAX_AGE_DAYS, MAX_BODY_CHARACTERS, MAX_SUBJECT_CHARACTERS
from postroom.errors import bad_parameter
from postroom.model.vacation import Vacation

_MAX_SECONDS = 253_402_300_799
"""The last second of the year 9999."""

AgeDays = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_AGE_DAYS,
        description="A sender is answered once in so many days.",
        examples=[7],
    ),
]
NoticeText = Annotated[
    str,
    Meta(max_length=MAX_BODY_CHARACTERS, description="Plain text.", examples=["I am away until Monday."]),
]
NoticeSubject = Annotated[
    str,
    Meta(
        max_length=MAX_SUBJECT_CHARACTERS,
        description="Empty: made of the subject of the mail that is answered.",
        examples=["Away"],
    ),
]
TimeText = Annotated[DateText, Meta(description="Unix seconds in UTC, in decimal; 0 if not set.")]


class VacationShape(Shape, frozen=True, forbid_unknown_fields=True):
    """What is answered while the owner is away."""

    age: AgeDays
    apply_always: Annotated[bool, Meta(description="It holds until it is disabled, whatever the times are.")]
    apply_to_external: Annotated[bool, Meta(description="Senders of other servers are answered.")]
    apply_to_internal: Annotated[bool, Meta(description="Senders of this server's domains are answered.")]
    body: NoticeText
    enabled: bool
    start_time: TimeText = "0"
    end_time: TimeText = "0"
    subject: NoticeSubject = ""


def show_vacation(vacation: Vacation) -> VacationShape:
    """Return what is told of an absence notice."""
    return VacationShape(
        age=vacation.age_days,
        apply_always=bool(vacation.applies_always),
        apply_to_external=bool(vacation.applies_to_external),
        apply_to_internal=bool(vacation.applies_to_internal),
        body=vacation.body,
        enabled=bool(vacation.is_enabled),
        start_time=str(vacation.start_at // 1000),
        end_time=str(vacation.end_at // 1000),
        subject=vacation.subject,
    )


def read_vacation(shape: VacationShape) -> Vacation:
    """Return what a client sets; raises ``badParameter`` for a time that is none."""
    return Vacation(
        is_enabled=int(shape.enabled),
        age_days=shape.age,
        applies_always=int(shape.apply_always),
        applies_to_external=int(shape.apply_to_external),
        applies_to_internal=int(shape.apply_to_internal),
        start_at=_read_time(shape.start_time, "startTime") * 1000,
        end_at=_read_time(shape.end_time, "endTime") * 1000,
        subject=shape.subject,
        body=shape.body,
    )


def _read_time(text: str, parameter: str) -> int:
    seconds = int(text) if len(text) <= len(str(_MAX_SECONDS)) else -1
    if not 0 <= seconds <= _MAX_SECONDS:
        raise bad_parameter(parameter, f"{parameter} must be a time from 0 to {_MAX_SECONDS}")
    return seconds
