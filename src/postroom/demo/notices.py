"""Notices of machines in the demonstration: orders, parcels, builds, statements, reminders, sign-ins."""

from collections.abc import Iterator

from postroom.demo.letters import DAY, HOUR, Letter

_GOODS = (
    ("a kettle", "34.90"),
    ("two pairs of gloves", "21.00"),
    ("a bicycle lamp", "48.50"),
    ("tea, 500 g", "12.80"),
    ("a saw blade", "9.95"),
    ("printer paper, 5 × 500", "24.75"),
    ("a desk lamp", "59.00"),
    ("seeds, mixed", "7.20"),
    ("a rain jacket", "119.00"),
)
_JOBS = ("parser", "web client", "documentation", "import tool")
_BOOKS = ("The Lighthouse Log", "A Field Guide to Clouds", "Bread by the Hour", "Maps that Lie")


def iter_notices() -> Iterator[Letter]:
    """Yield all notices."""
    yield from _iter_orders()
    yield from _iter_builds()
    yield from _iter_statements()
    yield from _iter_reminders()
    yield from _iter_sign_ins()


def _iter_orders() -> Iterator[Letter]:
    shop = ("Hauser & Sons", "orders@hauser-shop.example")
    carrier = ("Parcel Service", "tracking@parcel.example")
    for number, (goods, price) in enumerate(_GOODS):
        order = f"HS-{48_210 + 17 * number}"
        age = (number * 6 + 1) * DAY
        yield Letter(
            key=f"order-{number}",
            sender=shop,
            subject=f"Your order {order}",
            age_seconds=age + 30 * HOUR,
            text=f"Thank you for your order {order}.\n\n  {goods}   {price} EUR\n  Shipping   4.90 EUR\n\n"
            "We tell you when the parcel is on its way.\n",
            html=f"<p>Thank you for your order <b>{order}</b>.</p><table border=1 cellpadding=6><tr><td>{goods}</td>"
            f"<td align=right>{price} EUR</td></tr><tr><td>Shipping</td><td align=right>4.90 EUR</td></tr></table>"
            "<p>We tell you when the parcel is on its way.</p>\n",
        )
        yield Letter(
            key=f"parcel-{number}",
            sender=carrier,
            subject=f"Parcel for order {order}: delivery today"
            if number
            else f"Parcel for order {order} is on its way",
            age_seconds=age,
            text=f"Your parcel JD{90_311_250 + number * 7_777} from Hauser & Sons arrives between 10:00 and 14:00.\n",
            unread=number == 0,
        )


def _iter_builds() -> Iterator[Letter]:
    for number in range(20):
        job = _JOBS[number % len(_JOBS)]
        failed = number % 5 == 2
        build = 1_240 - number
        log = "".join(f"  test_{job.replace(' ', '_')}_{case:02d} ... ok\n" for case in range(14))
        ending = "1 failed, 13 passed" if failed else "14 passed"
        yield Letter(
            key=f"build-{build}",
            sender=("Build Bot", "builds@ci.northside.example"),
            subject=f"[builds] {'FAILED' if failed else 'ok'}: {job} #{build}",
            age_seconds=(number * 31 + 6) * HOUR,
            text=f"Build #{build} of {job} {'failed' if failed else 'passed'}.\n\n{log}\n{ending}\n",
            headers=(
                ("List-Id", "Builds <builds.northside.example>"),
                ("Auto-Submitted", "auto-generated"),
                ("X-Priority", "2 (High)" if failed else "3 (Normal)"),
            ),
            unread=number < 3,
            flagged=number == 2,
            detail="builds",
        )


def _iter_statements() -> Iterator[Letter]:
    for number, month in enumerate(("February", "January", "December")):
        yield Letter(
            key=f"statement-{month.lower()}",
            sender=("Seebank", "service@seebank.example"),
            subject=f"Your statement for {month} is ready",
            age_seconds=(number * 20 + 3) * DAY,
            text=f"Dear customer,\n\nyour statement for {month} is ready in the mailbox of your account. We never "
            "send links to sign in, and we never ask for your PIN.\n\nSeebank\n",
            headers=(("Importance", "high"),) if number == 0 else (),
        )


def _iter_reminders() -> Iterator[Letter]:
    for number, book in enumerate(_BOOKS):
        yield Letter(
            key=f"library-{number}",
            sender=("City Library", "no-reply@library.example"),
            subject=f"Please return “{book}”",
            age_seconds=(number * 13 + 2) * DAY,
            text=f"The book “{book}” is due in three days. You can keep it for another four weeks if nobody waits "
            "for it.\n",
            headers=(("Auto-Submitted", "auto-generated"), ("Importance", "low")),
            unread=number == 0,
        )


def _iter_sign_ins() -> Iterator[Letter]:
    for number, place in enumerate(("Arnfeld", "Seeheim", "Arnfeld")):
        yield Letter(
            key=f"sign-in-{number}",
            sender=("Northside Accounts", "security@northside.example"),
            subject="New sign-in to your account",
            age_seconds=(number * 17 + 5) * DAY,
            text=f"Somebody signed in to your account from a new device near {place}. Was it you? Then there is "
            "nothing to do.\n",
            headers=(("X-Priority", "1 (Highest)"), ("Auto-Submitted", "auto-generated")),
            flagged=number == 1,
        )
