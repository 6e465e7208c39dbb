"""Random names that people can read aloud and type: an adjective, a noun and a number, as in ``quiet-otter-48213``.

There are more than a thousand million of them, and nothing tells which of them are in use.
"""

import secrets


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_ADJECTIVES = _list("""
able agile amber ample apt azure basic bold brave breezy brief bright brisk broad calm candid careful cheery
civil clean clear clever cool copper coral cosy crisp curious dapper daring deep dewy eager early easy even
fair famous fancy fast fine firm fleet fluent fond frank free fresh frosty gentle giant glad gold golden
good grand green happy hardy hazel honest humble indigo ivory jade jolly keen kind large light lilac lively
lofty loyal lucky lunar mellow merry mighty mild modest neat new nimble noble olive open patient plain
polite prime proud pure quick quiet rapid ready red robust rosy round royal rustic sage scarlet serene sharp
shiny silent silver simple sleek smart smooth snowy sober soft solar solid steady sunny super swift tall
tidy tiny true upbeat violet vivid warm wise witty young zesty
""")
_NOUNS = _list("""
acorn alder anchor apple apron arrow aspen badge bakery banjo barley basil basin beacon beaver bell birch
bison blossom bridge brook cabin camel candle canoe canyon castle cedar cello cherry cliff clover comet
compass condor cottage cricket crocus daisy delta desert dolphin dune eagle elm ember falcon feather fern
ferry field finch fjord flute forest fountain fox garden geyser ginger glacier grove harbor hazelnut hedge
heron hill horizon iris island ivy jasmine juniper kayak kettle kite lagoon lake lantern lark lemon
lighthouse lily linden lotus lynx maple marble marsh meadow melon mill mint mountain nectar nest oak oasis
ocean olive orchard otter owl panda pebble pepper pier pine planet plum pond poplar prairie quartz raven
reef ridge river robin saffron sailor sparrow spring star stone summit swan thistle thyme tiger tulip valley
walnut willow wren
""")
_LOWEST, _NUMBERS = 10_000, 90_000


def make_name() -> str:
    """Return a name."""
    number = _LOWEST + secrets.randbelow(_NUMBERS)
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{number}"
