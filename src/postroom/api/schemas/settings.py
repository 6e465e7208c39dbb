"""Shapes of an account's settings; the settings themselves go over the wire as the model has them."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from postroom.api.schemas.fields import Shape
from postroom.errors import bad_parameter
from postroom.model.settings import MAX_OPAQUE_BYTES, SettingsChange, WeekDay

OpaqueText = Annotated[
    str, Meta(description=f"Any text of at most {MAX_OPAQUE_BYTES} bytes of UTF-8.", examples=["{}"])
]


class SettingsPatch(SettingsChange, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Settings to change; any of them."""

    week_start_days: Annotated[WeekDay, Meta(description="Another name of weekStartDay.")] | UnsetType = UNSET


class UISettings(Shape, frozen=True, forbid_unknown_fields=True):
    """What programs keep of their user interface."""

    ui_settings: OpaqueText


class ClientSettings(Shape, frozen=True, forbid_unknown_fields=True):
    """What else programs keep."""

    client_settings: OpaqueText


def read_change(patch: SettingsPatch) -> SettingsChange:
    """Return what a client asks to change; raises ``badParameter`` where it says one thing in two ways."""
    day = patch.week_start_day
    if patch.week_start_days is not UNSET:
        if day not in {UNSET, patch.week_start_days}:
            raise bad_parameter("weekStartDays", "weekStartDays and weekStartDay differ")
        day = patch.week_start_days
    given = {name: getattr(patch, name) for name in SettingsChange.__struct_fields__}
    return SettingsChange(**{**given, "week_start_day": day})
