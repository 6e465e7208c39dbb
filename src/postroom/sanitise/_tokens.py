"""Splits HTML into tags and text as the tokeniser of the HTML standard (section 13.2.5) does, by one expression.

For work that needs no tree: text, quotes, nesting, cutting. Exact about what hides tags: comments, attribute
values and the elements whose content is raw text. Every alternative is possessive, and an unterminated one
reaches to the end of the input, so splitting is linear whatever the input. ``noscript`` is read as where scripts do
not run: its content is tags and text.

Groups of :data:`TOKEN`: ``raw`` is the name of an element with raw text (matched up to its end tag, which is left
as a token of its own), ``close`` is "/" for an end tag, ``name`` the name of any other tag, ``attributes`` what
stands between its name and its ">". Comments and doctypes match without a group.
"""

import re

from postroom.patterns import compile_pattern
from postroom.sanitise._words import words

_SPACE = r"[\t\n\f\r ]"

_EXACT_ATTRIBUTES = (
    r"(?:[\t\n\f\r /]++|[^\t\n\f\r />][^\t\n\f\r />=]*+"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+"
    r"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >\"'][^\t\n\f\r >]*+)?+)?+)*+"
)
# What nearly all tags look like, where quotes stand right after an equals sign that stands right after a name.
_PLAIN_ATTRIBUTES = r"(?:[^>\"'=]*+(?<![\t\n\f\r /])=\"[^\"]*+\")*+[^>\"'=]*+(?=>)"
_ATTRIBUTES = rf"(?:{_PLAIN_ATTRIBUTES}|{_EXACT_ATTRIBUTES})"

RAW_TEXT_ELEMENTS = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")

TOKEN = compile_pattern(
    r"<(?:"
    rf"(?P<close>/?)(?P<name>(?!(?:{'|'.join(RAW_TEXT_ELEMENTS)}){_SPACE[:-1]}/>])[a-zA-Z][^\t\n\f\r />]*+)"
    rf"(?P<attributes>{_ATTRIBUTES})(?:>|\Z)"
    rf"|(?P<raw>{'|'.join(RAW_TEXT_ELEMENTS)})(?={_SPACE[:-1]}/>]){_ATTRIBUTES}(?:>|\Z)"
    rf"(?P<content>(?:[^<]++|<(?!/(?P=raw){_SPACE[:-1]}/>]))*+)"
    rf"|/(?:{'|'.join(RAW_TEXT_ELEMENTS)})(?={_SPACE[:-1]}/>]){_ATTRIBUTES}(?:>|\Z)"
    r"|!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))"
    r"|[!?][^>]*+(?:>|\Z)"
    r"|/(?![a-zA-Z])[^>]*+(?:>|\Z)"
    r")",
    re.IGNORECASE,
)

ATTRIBUTE = compile_pattern(
    r"([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"?|'([^']*+)'?|([^\t\n\f\r >\"'][^\t\n\f\r >]*+))?+)?+"
)
"""One attribute of a tag: its name, and its value in one of three groups (double, single or no quotes)."""

VOID_ELEMENTS = words(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr"
)
