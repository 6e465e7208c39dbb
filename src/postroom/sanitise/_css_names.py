"""Which CSS properties and functions a mail may use, by filtering level.

Level 3 keeps none; level 2 what characters and paragraphs look like; level 1 adds boxes, tables and flexible
layout; level 0 adds positioning and floats. No function here fetches anything.
"""

from postroom.sanitise._words import words

_BASIC = """
background background-color color direction font font-family font-size font-stretch font-style font-variant
font-weight list-style-type text-align text-align-last text-decoration text-decoration-color text-decoration-line
text-decoration-style text-transform unicode-bidi vertical-align white-space
"""

_SIDES = ("top", "right", "bottom", "left")

_BOXES = """
align-content align-items align-self aspect-ratio background-clip background-image background-origin
background-position background-repeat background-size border border-bottom-left-radius border-bottom-right-radius
border-collapse border-color border-radius border-spacing border-style border-top-left-radius
border-top-right-radius border-width box-shadow box-sizing break-after break-before break-inside caption-side
color-scheme column-gap cursor display empty-cells flex flex-basis flex-direction flex-flow flex-grow flex-shrink
flex-wrap gap grid-gap grid-template-columns grid-template-rows height hyphens justify-content justify-items
justify-self letter-spacing line-break line-height list-style list-style-position margin margin-block
margin-inline max-height max-width min-height min-width object-fit object-position opacity order orphans outline
outline-color outline-offset outline-style outline-width overflow overflow-wrap overflow-x overflow-y padding
padding-block padding-inline page-break-after page-break-before page-break-inside quotes row-gap tab-size
table-layout text-indent text-overflow text-shadow text-size-adjust text-underline-offset visibility widows width
word-break word-spacing word-wrap writing-mode -ms-interpolation-mode -ms-text-size-adjust
-webkit-border-radius -webkit-font-smoothing -webkit-text-size-adjust -moz-osx-font-smoothing
"""

_POSITIONING = """
bottom clear clip column-count column-width columns float inset left position right top transform
transform-origin z-index -ms-transform -webkit-transform
"""

_LEVEL_2 = words(_BASIC)
_LEVEL_1 = (
    _LEVEL_2
    | words(_BOXES)
    | {f"{name}-{side}" for name in ("margin", "padding", "border") for side in _SIDES}
    | {f"border-{side}-{part}" for side in _SIDES for part in ("color", "style", "width")}
)
_LEVEL_0 = _LEVEL_1 | words(_POSITIONING)

PROPERTIES: tuple[frozenset[str], ...] = (_LEVEL_0, _LEVEL_1, _LEVEL_2, frozenset())
"""Allowed properties, indexed by level."""

FUNCTIONS = words("""
calc clamp fit-content hsl hsla hwb lab lch linear-gradient max min minmax oklab oklch radial-gradient rect repeat
repeating-linear-gradient repeating-radial-gradient rgb rgba rotate scale scalex scaley skew skewx skewy translate
translatex translatey
""") | {""}
"""Allowed functions, in lower case; "" is a bracket inside calc()."""
