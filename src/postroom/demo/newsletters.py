"""Newsletters of the demonstration: HTML with tables, styles, remote images, buttons and a way to unsubscribe."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postroom.demo.letters import DAY, HOUR, Letter


class Brand(NamedTuple):
    """A sender of newsletters. Each issue takes three of ``items`` (pairs of headline and text) in turn."""

    key: str
    name: str
    address: str
    colour: str
    subject: str
    items: Sequence[tuple[str, str]]
    issues: int
    days_between: float


_BRANDS = (
    Brand(
        "garden",
        "The Garden Post",
        "letters@garden-post.example",
        "#2f6b3a",
        "Garden Post {issue}: {headline}",
        (
            (
                "Prune roses now",
                "When the forsythia is in flower it is time for the roses. Cut above a bud that looks "
                "outwards, and leave no stubs.",
            ),
            (
                "Tomatoes on the windowsill",
                "Sow them in small pots, keep them warm until they show, and then as bright "
                "and as cool as you can.",
            ),
            (
                "Five herbs that survive everything",
                "Thyme, savory, chives, sage and lovage need little more than sun and to be forgotten.",
            ),
            (
                "A pond in a bucket",
                "Half a barrel, some gravel, three plants: dragonflies come in the first summer.",
            ),
            (
                "What the snails do not like",
                "Coffee grounds do not help, and neither do egg shells. Toads do.",
            ),
            ("Compost without smell", "Brown and green in layers, and never more grass than a hand is wide."),
        ),
        6,
        7,
    ),
    Brand(
        "books",
        "Corner Bookshop",
        "hello@corner-bookshop.example",
        "#7a2e2e",
        "New on our table: {headline}",
        (
            ("A lighthouse novel", "Two sisters, one lamp, forty years of log books. We read it in a night."),
            ("Maps that lie", "An atlas of islands that were drawn for centuries and never existed."),
            (
                "The history of the fork",
                "It was the devil's tool once. A short and funny book about table manners.",
            ),
            ("Poems to read on a tram", "None is longer than the ride from the station to the market."),
            ("Cooking for one", "Thirty recipes that do not leave half an onion."),
        ),
        5,
        11,
    ),
    Brand(
        "rail",
        "Nordbahn",
        "offers@nordbahn.example",
        "#12477a",
        "Your weekend from 19 €: {headline}",
        (
            (
                "To the sea and back",
                "Leave at 7:04, be on the beach before ten. Bicycles travel for free in May.",
            ),
            (
                "Night train to the mountains",
                "Sleep in a compartment of your own and wake up at 1,200 metres.",
            ),
            ("Four people, one ticket", "The group ticket is valid on all regional trains, all weekend."),
            (
                "Building works in April",
                "Between Arnfeld and Seeheim buses run instead of trains from the 3rd to the 9th.",
            ),
        ),
        5,
        9,
    ),
    Brand(
        "python",
        "Weekly Snake",
        "editor@weekly-snake.example",
        "#38597d",
        "Weekly Snake #{issue}: {headline}",
        (
            (
                "Reading a file backwards",
                "Why it is harder than it looks, and a generator that gets it right.",
            ),
            ("Typing a decorator", "ParamSpec in three steps, with the mistakes that everybody makes first."),
            ("One writer, many readers", "How a small database keeps up with a large program."),
            ("Dates, zones and summer", "Store instants, show local time, and never add days to midnight."),
            ("Measuring before changing", "A profile of a slow start-up, and the import that caused it."),
        ),
        6,
        7,
    ),
)


def iter_newsletters() -> Iterator[Letter]:
    """Yield the issues of all newsletters; the latest of each is unread."""
    for offset, brand in enumerate(_BRANDS):
        for issue in range(brand.issues):
            items = [brand.items[(issue + step) % len(brand.items)] for step in range(3)]
            number = 100 + brand.issues - issue
            yield Letter(
                key=f"news-{brand.key}-{number}",
                sender=(brand.name, brand.address),
                subject=brand.subject.format(issue=number, headline=items[0][0]),
                age_seconds=(issue * brand.days_between + 0.4) * DAY + (offset * 5 + 1) * HOUR,
                text=_render_text(brand, items),
                html=_render_html(brand, items, number),
                headers=(
                    ("List-Id", f"{brand.name} <news.{brand.key}.example>"),
                    ("List-Unsubscribe", f"<https://{brand.address.split('@')[1]}/unsubscribe?u=demo>"),
                    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                    ("Precedence", "bulk"),
                ),
                unread=issue == 0,
            )


def _render_text(brand: Brand, items: Sequence[tuple[str, str]]) -> str:
    stories = "\n\n".join(f"{headline.upper()}\n{text}" for headline, text in items)
    return f"{brand.name}\n\n{stories}\n\nYou get this because you asked for it.\n"


def _render_html(brand: Brand, items: Sequence[tuple[str, str]], number: int) -> str:
    domain = brand.address.split("@")[1]
    stories = "".join(
        f"""<tr><td style="padding:16px 24px;border-bottom:1px solid #e4e4e4">
<img src="https://img.{domain}/{number}/{position}.jpg" width="560" height="220" alt="{headline}"
 style="display:block">
<h2 style="font:bold 20px/26px Georgia,serif;color:{brand.colour};margin:14px 0 6px">{headline}</h2>
<p style="margin:0 0 12px">{text}</p>
<a href="https://{domain}/read/{number}/{position}?utm_source=mail" style="display:inline-block;padding:8px 18px;\
background:{brand.colour};color:#ffffff;text-decoration:none;border-radius:3px">Read on</a></td></tr>
"""
        for position, (headline, text) in enumerate(items)
    )
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{brand.name}</title>
<style>
body {{ margin: 0; background: #f3f3f0; font: 15px/22px Helvetica, Arial, sans-serif; color: #333333; }}
a:hover {{ opacity: 0.8; }}
@media (max-width: 600px) {{ table {{ width: 100% !important; }} }}
</style></head>
<body><div style="display:none">{items[0][1]}</div>
<table role="presentation" width="608" align="center" cellpadding="0" cellspacing="0" style="background:#ffffff">
<tr><td style="background:{brand.colour};color:#ffffff;padding:20px 24px;font:bold 26px Georgia,serif">
{brand.name} <span style="font-size:14px;font-weight:normal">No. {number}</span></td></tr>
{stories}<tr><td style="padding:18px 24px;font-size:12px;color:#888888">You get this because you asked for it.
<a href="https://{domain}/unsubscribe?u=demo" style="color:#888888">Unsubscribe</a></td></tr></table>
<img src="https://track.{domain}/open.gif?u=demo&amp;n={number}" width="1" height="1" alt="">
</body></html>
"""
