"""Tables ``[classes.NAME.settings]``: settings that the accounts of a class have until they set others.

The names are those of ``GET /api/v1/account/settings`` in snake_case. ``language`` and ``page_size`` are not here:
the class itself has them.
"""

import zoneinfo
from dataclasses import dataclass, field
from functools import cache
from typing import get_args

from postroom.config.options import about, option
from postroom.model import settings as model

_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Files that lie beside the zones of a system's database, and are none."""


@cache
def list_timezones() -> frozenset[str]:
    """Return the names of the IANA time zone database. The first call reads hundreds of files."""
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES | {"UTC"})


def _check_timezone(text: str) -> None:
    if text not in list_timezones():
        raise ValueError("must be a name of the IANA time zone database such as Europe/Berlin")


def _check_date_format(text: str) -> None:
    if text not in model.DATE_FORMATS:
        raise ValueError("must be a form of a date such as YYYY-MM-DD, D.M.YYYY or MM/DD/YY")


def _check_clock_time(text: str) -> None:
    if not model.is_clock_time(text):
        raise ValueError("must be a time of day such as 09:00:00")


@dataclass(frozen=True)
class DefaultReceipts:
    """Receipts of mails that are read and sent."""

    send_read_receipts: str = option(
        "ask", "Whether read receipts that were asked for are sent.", choices=get_args(model.SendReceipts)
    )
    request_read_receipts: bool = option(False, "Sent mails ask for a read receipt.")
    request_delivery_receipts: bool = option(False, "Sent mails ask for a delivery receipt.")


@dataclass(frozen=True)
class DefaultSettings:
    """What the accounts of a class have until they set something else."""

    archiving_policy: str = option(
        "none", "Folders that mails are archived in.", choices=get_args(model.ArchivingPolicy)
    )
    conversation_view: bool = option(True, "Programs show mails as conversations.")
    theme: str = option("neutral", "Look of programs.", choices=get_args(model.Theme))
    delete_to_trash: bool = option(True, "What is deleted goes to Trash first.")
    confirm_mail_delete: bool = option(True, "Programs ask before they delete.")
    auto_add_recipients: bool = option(True, "Recipients of sent mails are collected as contacts.")
    purge_trash_on_logout: bool = option(False, "Trash is emptied at logout.")
    purge_spam_on_logout: bool = option(False, "Spam is emptied at logout.")
    body_html_filtering_level: int = option(
        1, "How much of HTML is dropped: 0 least, 3 most.", minimum=0, maximum=3
    )
    timezone: str = option("UTC", "A name of the IANA time zone database.", check=_check_timezone)
    date_format: str = option("YYYY-MM-DD", "Form of dates.", check=_check_date_format)
    time_format: str = option("hh:mm", "Form of times.", choices=get_args(model.TimeFormat))
    week_start_day: int = option(1, "First day of a week; 0 is Sunday.", minimum=0, maximum=6)
    working_days: int = option(
        62, "A sum of days: Sunday 1, Monday 2 to Saturday 64.", minimum=1, maximum=127
    )
    start_working_time: str = option("09:00:00", "When a working day begins.", check=_check_clock_time)
    end_working_time: str = option("17:00:00", "When a working day ends.", check=_check_clock_time)
    calendar_type: str = option(
        "gregorian", "Calendar that programs show.", choices=get_args(model.CalendarType)
    )
    receipts: DefaultReceipts = field(default_factory=DefaultReceipts, metadata=about("Receipts."))
    save_to_sent: bool = option(True, "Sent mails are kept in Sent.")
    external_images: str = option(
        "byLevel",
        "Whether images of other servers are shown in HTML: by the filtering level (shown at 1 and 2), or as said.",
        choices=get_args(model.ExternalImages),
    )
