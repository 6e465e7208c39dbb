"""Conversations of the demonstration: each message quotes the one it answers, as mail programs do."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from postroom.demo.letters import DAY, HOUR, MINUTE, Letter, find_person


class Thread(NamedTuple):
    """A conversation. ``last_age_seconds`` is the age of its last message; the others lie ``gap_seconds`` apart.

    ``lines`` are pairs of sender and text, oldest first; ``unread_last`` of the newest are unread.
    """

    key: str
    subject: str
    last_age_seconds: float
    gap_seconds: float
    lines: Sequence[tuple[str, str]]
    unread_last: int = 0
    flagged: bool = False
    html: bool = False


_THREADS = (
    Thread(
        "kitchen",
        "Kitchen: which worktop?",
        3 * HOUR,
        5 * HOUR,
        (
            (
                "lena",
                "Hello Robin,\n\nthe joiner can still choose the worktop until Friday. Oak costs 310 a metre, "
                "the grey laminate 140. The oak needs oil twice a year.\n\nWhich one do you want?\n\nLena",
            ),
            (
                "paul",
                "If I may: oak near the sink goes dark within two years. In my own kitchen I used oak for the "
                "island and stone around the sink.\n\nPaul",
            ),
            (
                "lena",
                "Good point. Stone around the sink would be 1.8 metres, so about 520 more. The rest in oak?",
            ),
            (
                "paul",
                "That is what I would do. I can come on Thursday with samples, after four if that suits.",
            ),
            (
                "lena",
                "Thursday after four is fine for me. Robin, will you be at home? We also have to decide on the "
                "tap, I put two in the folder.",
            ),
        ),
        unread_last=2,
        html=True,
    ),
    Thread(
        "offsite",
        "Team days in March",
        26 * HOUR,
        7 * HOUR,
        (
            (
                "jun",
                "Hi all,\n\nwe have three offers for the team days:\n\n  * the mill near Arnfeld, 14 rooms\n"
                "  * the youth hostel on the lake, cheap, four to a room\n  * the hotel in town, no travel at all\n\n"
                "Please answer by Wednesday.\n\nJun",
            ),
            (
                "sofia",
                "The mill! Last time the evenings were the best part, and in town everybody went home at six.",
            ),
            ("amir", "The mill is fine with me, provided that somebody drives. There is no bus after seven."),
            ("sofia", "I can take four people."),
            (
                "jun",
                "Then the mill it is. I have booked 14 rooms from the 12th to the 14th. Amir, you go with Sofia?",
            ),
            ("amir", "Yes, thank you both."),
        ),
        unread_last=1,
    ),
    Thread(
        "contract",
        "Contract, second draft",
        2 * DAY,
        20 * HOUR,
        (
            (
                "sofia",
                "Robin,\n\nthe second draft is in the shared folder. New are sections 4 (delivery dates) and 9 "
                "(what happens if we stop). Could you read section 9 with special care?\n\nSofia",
            ),
            (
                "maria",
                "I read it on the train. Section 9.2 gives them ninety days, we agreed on thirty. The rest is as "
                "discussed.",
            ),
            ("sofia", "You are right, that was the old text. Corrected; version 2b is in the folder now."),
            ("maria", "2b is good. From my side it can be signed."),
        ),
        flagged=True,
    ),
    Thread(
        "bike",
        "Your bicycle in the hallway",
        4 * DAY,
        3 * HOUR,
        (
            (
                "noor",
                "Dear neighbour,\n\nis the blue bicycle without a saddle yours? It has stood in front of the "
                "meters since Easter, and the gas people come on Monday.\n\nNoor, second floor",
            ),
            (
                "ines",
                "It was mine, sorry! My cousin wanted to collect it weeks ago. I shall take it to the yard tonight.",
            ),
            ("noor", "Thank you. If your cousin does not want it, mine would."),
            ("ines", "Then it is your cousin's. The saddle is in my cellar."),
        ),
    ),
    Thread(
        "bread",
        "Sourdough does not rise",
        6 * DAY,
        9 * HOUR,
        (
            (
                "tom",
                "You bake, don't you? My starter smells right and bubbles, but the loaf stays flat. 500 g flour, "
                "350 g water, 10 g salt, six hours at about 18 degrees.",
            ),
            ("amir", "18 degrees is cold. Give it ten hours, or put it in the oven with only the lamp on."),
            (
                "tom",
                "Ten hours it was, and now it rose over the edge of the tin and on to the floor of the oven.",
            ),
            ("amir", "Eight, then. :-)"),
            ("tom", "Eight! A photograph follows as soon as there is some left to photograph."),
        ),
    ),
    Thread(
        "printer",
        "Printer on the third floor",
        9 * DAY,
        2 * HOUR,
        (
            ("jun", "The printer says “Load plain paper in tray 2”. Tray 2 is full of plain paper. Ideas?"),
            (
                "greg",
                "Tray 2 has a slider for the paper size. If it is off by a millimetre, it believes the tray empty.",
            ),
            ("jun", "That was it. A millimetre!"),
        ),
    ),
    Thread(
        "translation",
        "Translation of the handbook",
        12 * DAY,
        30 * HOUR,
        (
            (
                "ines",
                "Olá Robin,\n\nchapters 1 to 3 are translated. Question: do we say “utilizador” or “pessoa” for "
                "user? In chapter 2 both occur.\n\nInês",
            ),
            (
                "maria",
                "En español decimos «persona usuaria» en los textos legales y «usuario» en los menús. I would "
                "keep it short in menus.",
            ),
            (
                "ines",
                "“Utilizador” in menus then, and “pessoa” in running text. Chapters 4 and 5 come on Friday.",
            ),
            ("ines", "Chapters 4 and 5 are done. In 5.3 a screenshot shows the old menu."),
            ("maria", "The new screenshot is in the folder, with the same name."),
        ),
        flagged=True,
    ),
    Thread(
        "flat",
        "Viewing the flat on Lindenstraße",
        15 * DAY,
        6 * HOUR,
        (
            (
                "noor",
                "The flat above the bakery is free from June: three rooms, 68 square metres, no lift. The owner "
                "shows it on Saturday at ten.",
            ),
            (
                "lena",
                "I measured it two years ago for the previous tenant. The north wall of the bedroom is damp, ask "
                "whether that was repaired.",
            ),
            ("noor", "It was, in autumn, and there is an invoice for it. I asked."),
        ),
    ),
    Thread(
        "release",
        "Release 2.4: what is left",
        20 * DAY,
        11 * HOUR,
        (
            (
                "sofia",
                "Three items are open:\n\n1. the export hangs on files over 2 GB\n2. the French texts\n"
                "3. the date picker shows the week from Sunday in Germany\n\nI take 1.",
            ),
            ("jun", "3 is done, it was the locale of the server and not of the user."),
            (
                "paul",
                "Les textes français sont relus. Reste une question sur « courriel » : partout, ou seulement dans "
                "les menus ?",
            ),
            ("sofia", "Partout. Item 1 is fixed too: a 32-bit counter, of course."),
            ("jun", "Then we can release tomorrow morning."),
            ("sofia", "Released. Thank you all."),
        ),
    ),
    Thread(
        "hike",
        "Sunday: the ridge or the lake?",
        27 * DAY,
        4 * HOUR,
        (
            (
                "tom",
                "Weather says sun until three. The ridge is five hours, the lake three and there is cake.",
            ),
            ("noor", "Cake."),
            ("amir", "Cake."),
            ("tom", "The lake, then. 9:12 from platform 4."),
        ),
    ),
)

_CHOIR_LINES = (
    (
        "greg",
        "Dear all,\n\nthe bus leaves on Saturday at 8:00 from the harbour. Who brings what for lunch?\n\nGreg",
    ),
    ("ines", "I bring two loaves of corn bread."),
    ("tom", "Cheese. Three kinds, one of which is for the brave."),
    ("maria", "A tortilla, as always."),
    ("noor", "Apples, a whole box. We have too many."),
    ("paul", "Un gâteau aux noix. Without nuts for Amir, so really just a gâteau."),
    ("amir", "Thank you Paul! Hummus and olives from me."),
    ("lena", "Potato salad, with vinegar and not with mayonnaise."),
    ("greg", "Lena, that will be discussed on the bus."),
    ("lena", "There is nothing to discuss."),
    ("jun", "Rice balls. 30 pieces, and some wasabi for Tom's brave."),
    ("sofia", "Pickled mushrooms from my grandmother's garden."),
    ("tom", "I am told that there is a grill at the place. Sausages?"),
    ("noor", "Some of us eat no meat; I can bring skewers with vegetables."),
    ("tom", "Both then. Charcoal is mine."),
    ("greg", "Drinks: tea and water are on the bus. Anything else please in bottles that close."),
    ("maria", "Who has the music stands? I counted nine, and we need fourteen."),
    ("paul", "Four are in my workshop."),
    ("ines", "One is in my hallway, under the coats."),
    ("greg", "That makes fourteen. Wonderful."),
    ("amir", "The forecast has changed: rain from noon."),
    ("sofia", "There is a barn. I called them, we may use it."),
    ("noor", "And the grill?"),
    ("sofia", "Under the roof, at the open side."),
    ("lena", "Potato salad does not mind the rain."),
    ("jun", "Does anybody have a seat left in a car? I finish work at ten."),
    ("tom", "I drive at half past ten and can wait in front of your office."),
    ("jun", "Perfect, thank you."),
    ("greg", "Programme: first the two Renaissance pieces, then the lullaby, then lunch."),
    ("maria", "And after lunch?"),
    ("greg", "After lunch nobody can sing anyway. See you on Saturday!"),
)


def iter_threads() -> Iterator[Letter]:
    """Yield the mails of all conversations, each thread from its first to its last."""
    for thread in _THREADS:
        yield from _iter_thread(thread)
    yield from _iter_thread(
        Thread(
            "choir",
            "Choir trip: who brings what?",
            50 * MINUTE,
            95 * MINUTE,
            _CHOIR_LINES,
            unread_last=4,
            html=True,
        )
    )


def _iter_thread(thread: Thread) -> Iterator[Letter]:
    keys: list[str] = []
    quoted = ""
    count = len(thread.lines)
    for number, (sender, text) in enumerate(thread.lines):
        key = f"thread-{thread.key}-{number + 1}"
        full_text = f"{text}\n\n{quoted}" if quoted else f"{text}\n"
        yield Letter(
            key=key,
            sender=sender,
            subject=f"Re: {thread.subject}" if number else thread.subject,
            age_seconds=thread.last_age_seconds + (count - 1 - number) * thread.gap_seconds,
            text=full_text,
            html=_render_html(text, quoted) if thread.html else "",
            answers=tuple(keys),
            unread=count - number <= thread.unread_last,
            flagged=thread.flagged and number == count - 1,
        )
        keys.append(key)
        quoted = _quote(sender, full_text)


def _quote(sender: str, text: str) -> str:
    # Each level of an answer adds a sign; beyond four, people cut.
    lines = [f"> {line}".rstrip() for line in text.rstrip("\n").split("\n") if not line.startswith(">>>>")]
    return f"{find_person(sender)[0]} wrote:\n" + "\n".join(lines) + "\n"


def _render_html(text: str, quoted: str) -> str:
    paragraphs = "".join(f"<p>{_escape(part)}</p>\n" for part in text.split("\n\n"))
    if not quoted:
        return f"<html><body>\n{paragraphs}</body></html>\n"
    attribution, _, rest = quoted.partition("\n")
    lines = "<br>\n".join(
        _escape(line.removeprefix("> ").removeprefix(">")) for line in rest.rstrip().split("\n")
    )
    return (
        f'<html><body>\n{paragraphs}<div class="gmail_quote">{_escape(attribution)}\n'
        f'<blockquote style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">{lines}</blockquote>'
        "</div></body></html>\n"
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>\n")
