"""Ready-made blocks of mail that the corpus is put together from.

Making 20 KB of prose, wrapping and encoding it takes milliseconds; choosing ten blocks and joining them takes
microseconds. So everything that can be is made once, here: paragraphs, quoted paragraphs, HTML paragraphs and
newsletter articles of each language, already in each of its charsets and transfer encodings.

Invariant: blocks of one :class:`Pool` can be joined in any number and order. Each ends with CRLF; in base64 each
is padded with spaces to a multiple of 57 bytes before it is encoded (RFC 2045 §6.8: 57 bytes make one full line
of 76), so that no padding character stands inside; in iso-2022-jp each line returns to ASCII (RFC 1468).
"""

import binascii
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from postroom.bench._languages import LANGUAGES, Language
from postroom.bench.images import PNG_IMAGES

_BASE64_LINE_BYTES = 57
_BINARY_POOL_LINES = 16_384
_DOMAINS = ("mail.example.org", "office.example.com", "example.net", "studio.example", "post.example.com")

_PARAGRAPH_HTML = (
    '<p style="margin:0 0 12px 0;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px;'
    'color:#333333">{text}</p>\r\n'
)
_QUOTE_HTML = (
    '<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex"><p>'
    "{text}</p></blockquote>\r\n"
)
_ARTICLE_HTML = (
    '<tr><td align="left" valign="top" style="padding:24px 32px 8px 32px;background-color:#ffffff">\r\n'
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>\r\n'
    '<td width="160" valign="top"><a href="https://click.example.com/c/{token}?u={number}" target="_blank">'
    '<img src="https://images.example.com/{token}.jpg" width="160" height="120" alt="{title}" '
    'style="display:block;border:0;outline:none" /></a></td>\r\n'
    '<td style="padding-left:20px;font-family:Georgia,serif;font-size:15px;line-height:22px;color:#222222">\r\n'
    '<h2 class="headline" style="margin:0 0 8px 0;font-size:20px;line-height:26px">{title}</h2>\r\n'
    '<p style="margin:0 0 10px 0">{text}</p>\r\n'
    '<a href="https://click.example.com/m/{token}" style="display:inline-block;padding:8px 16px;color:#ffffff;'
    'background-color:#1f5fa8;text-decoration:none;border-radius:3px">{title}</a>\r\n'
    "</td></tr></table></td></tr>\r\n"
)
_HTML_START = (
    '<!DOCTYPE html>\r\n<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}">\r\n'
    "</head><body>\r\n"
)
_NEWSLETTER_START = (
    '<!DOCTYPE html>\r\n<html lang="{code}"><head><meta http-equiv="Content-Type" content="text/html; '
    'charset={charset}"><meta name="viewport" content="width=device-width">\r\n<style type="text/css">\r\n'
    "body {{ margin: 0; padding: 0; background: #f2f2f2; -webkit-text-size-adjust: 100%; }}\r\n"
    "table {{ border-collapse: collapse; }} img {{ border: 0; max-width: 100%; }}\r\n"
    "a:hover {{ text-decoration: underline !important; }} .headline {{ color: #1f5fa8; }}\r\n"
    "@media only screen and (max-width: 600px) {{ .column {{ width: 100% !important; display: block; }}\r\n"
    ".headline {{ font-size: 18px !important; }} .hide {{ display: none !important; }} }}\r\n"
    '</style></head>\r\n<body><div style="display:none;max-height:0;overflow:hidden">{text}</div>\r\n'
    '<table role="presentation" width="640" align="center" cellpadding="0" cellspacing="0" class="column">\r\n'
)
_NEWSLETTER_END = (
    '<tr><td style="padding:24px;font-size:11px;color:#888888">{text} '
    '<a href="https://click.example.com/unsubscribe/{number}">{title}</a></td></tr></table>\r\n'
    '<img src="https://track.example.com/open/{number}.gif" width="1" height="1" alt="">\r\n</body></html>\r\n'
)


class Person(NamedTuple):
    """A correspondent: header value (RFC 2047 encoded where needed), bare address, name as text."""

    mailbox: bytes
    address: bytes
    name: str


class Pool(NamedTuple):
    """Blocks of one language in one charset and transfer encoding; all body blocks are encoded already."""

    language: Language
    charset: str
    encoding: str
    text: tuple[bytes, ...]
    quoted: tuple[bytes, ...]
    html: tuple[bytes, ...]
    html_quoted: tuple[bytes, ...]
    articles: tuple[bytes, ...]
    greeting: bytes
    html_greeting: bytes
    html_end: bytes
    newsletter_starts: tuple[bytes, ...]
    newsletter_ends: tuple[bytes, ...]
    subjects: tuple[bytes, ...]
    people: tuple[Person, ...]
    filenames: tuple[str, ...]

    def encode(self, text: str) -> bytes:
        """Return ``text`` (whole lines with CRLF) as a block that can stand among the others."""
        return encode_block(text, charset=self.charset, encoding=self.encoding)


def encode_block(text: str, *, charset: str, encoding: str) -> bytes:
    """Return ``text``, which ends with CRLF, in ``charset`` and transfer ``encoding``, ready to be joined."""
    data = text.encode(charset)
    if encoding == "quoted-printable":
        return binascii.b2a_qp(data, istext=True)
    if encoding == "base64":
        missing = -len(data) % _BASE64_LINE_BYTES
        return encode_base64(data[:-2] + b" " * missing + b"\r\n")
    return data


def encode_base64(data: bytes) -> bytes:
    """Return ``data`` in base64, in lines of 76 characters that end with CRLF (RFC 2045 §6.8)."""
    return b"".join(
        binascii.b2a_base64(data[start : start + _BASE64_LINE_BYTES], newline=False) + b"\r\n"
        for start in range(0, len(data), _BASE64_LINE_BYTES)
    )


def encode_words(text: str, charset: str) -> bytes:
    """Return ``text`` as a header value: as it is if ASCII, else as folded encoded words (RFC 2047 §2)."""
    if text.isascii():
        return text.encode()
    room = (75 - len(f"=?{charset}?b??=")) // 4 * 3
    words: list[bytes] = []
    chunk = ""
    for character in text:
        if len((chunk + character).encode(charset)) > room:
            words.append(_encoded_word(chunk, charset))
            chunk = ""
        chunk += character
    words.append(_encoded_word(chunk, charset))
    return b"\r\n ".join(words)


def _encoded_word(text: str, charset: str) -> bytes:
    return b"=?%s?b?%s?=" % (charset.encode(), binascii.b2a_base64(text.encode(charset), newline=False))


class _Prose:
    """Makes sentences, paragraphs and titles of one language; frequent words are frequent, as in real text."""

    def __init__(self, language: Language, random: Callable[[], float]) -> None:
        self._language = language
        self._random = random
        self._forms = [word + ending for ending in language.endings for word in language.words]

    def words(self, count: int) -> list[str]:
        # The square of a uniform number lies near 0 most of the time: plain forms come first in the list.
        random, forms = self._random, self._forms
        return [forms[int(random() ** 2 * len(forms))] for _ in range(count)]

    def _join(self, words: Sequence[str]) -> str:
        return (" " if self._language.spaced else "").join(words)

    def title(self) -> str:
        title = self._join(self.words(3 + int(self._random() * 5)))
        return title[:1].upper() + title[1:]

    def paragraph(self) -> str:
        sentences = []
        for _ in range(2 + int(self._random() * 4)):
            sentence = self._join(self.words(6 + int(self._random() * 12)))
            sentences.append(sentence[:1].upper() + sentence[1:])
        return (self._language.full_stop.join(sentences) + self._language.full_stop).strip()

    def wrapped(self, paragraph: str, prefix: str = "") -> str:
        """Return ``paragraph`` in lines of at most 72 columns, each behind ``prefix``, and an empty line."""
        if not self._language.spaced:
            lines = [paragraph[start : start + 35] for start in range(0, len(paragraph), 35)]
        else:
            lines = _wrap(paragraph, 72 - len(prefix))
        return "".join(f"{prefix}{line}\r\n" for line in [*lines, ""])


def _wrap(paragraph: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in paragraph.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


class _Material(NamedTuple):
    """Unencoded text of one language, from which a pool is made for each of its variants."""

    text: list[str]
    quoted: list[str]
    html: list[str]
    html_quoted: list[str]
    articles: list[str]
    short: list[str]
    titles: list[str]


def _make_material(language: Language, random: Callable[[], float]) -> _Material:
    prose = _Prose(language, random)
    paragraphs = [prose.paragraph() for _ in range(160)]
    titles = [prose.title() for _ in range(240)]
    articles = [
        _ARTICLE_HTML.format(
            token=f"{int(random() * 2**48):012x}",
            number=int(random() * 1_000_000),
            title=titles[number],
            text="\r\n".join([*_lines(prose, prose.paragraph()), *_lines(prose, paragraphs[number])]),
        )
        for number in range(80)
    ]
    return _Material(
        text=[prose.wrapped(paragraph) for paragraph in paragraphs],
        quoted=[prose.wrapped(paragraph, "> ") for paragraph in paragraphs[:80]],
        html=[_PARAGRAPH_HTML.format(text="\r\n".join(_lines(prose, text))) for text in paragraphs],
        html_quoted=[_QUOTE_HTML.format(text="\r\n".join(_lines(prose, text))) for text in paragraphs[:80]],
        articles=articles,
        short=["\r\n".join(_lines(prose, prose.paragraph())) for _ in range(8)],
        titles=titles,
    )


def _lines(prose: _Prose, paragraph: str) -> list[str]:
    return prose.wrapped(paragraph).rstrip("\r\n").split("\r\n")


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    return plain.encode("ascii", "ignore").decode().lower()


def _make_people(language: Language, charset: str) -> tuple[Person, ...]:
    people = []
    pairs = [(given, family) for given in language.given_names for family in language.family_names]
    for number, (given, family) in enumerate(pairs[::2]):
        name = f"{given} {family}" if language.code not in {"ja", "zh"} else f"{family} {given}"
        local = f"{_ascii(given)}.{_ascii(family)}"
        if local == ".":
            local = f"{language.code}{number:03d}"
        address = f"{local}@{_DOMAINS[number % len(_DOMAINS)]}".encode()
        people.append(Person(b"%s <%s>" % (encode_words(name, charset), address), address, name))
    return tuple(people)


def _make_filenames(titles: Sequence[str]) -> tuple[str, ...]:
    return tuple(title.replace(" ", "_")[:24] for title in titles[:40])


def _make_pool(material: _Material, language: Language, variant: tuple[str, str]) -> Pool:
    charset, encoding = variant

    def encoded(texts: Sequence[str]) -> tuple[bytes, ...]:
        return tuple(encode_block(text, charset=charset, encoding=encoding) for text in texts)

    facts = {"charset": charset, "code": language.code}
    return Pool(
        language=language,
        charset=charset,
        encoding=encoding,
        text=encoded(material.text),
        quoted=encoded(material.quoted),
        html=encoded(material.html),
        html_quoted=encoded(material.html_quoted),
        articles=encoded(material.articles),
        greeting=encoded([f"{language.greeting},\r\n\r\n"])[0],
        html_greeting=encoded([f"{_HTML_START.format(**facts)}<p>{language.greeting},</p>\r\n"])[0],
        html_end=encoded([f"<p>{language.closing}</p>\r\n</body></html>\r\n"])[0],
        newsletter_starts=encoded([_NEWSLETTER_START.format(text=text, **facts) for text in material.short]),
        newsletter_ends=encoded(
            [
                _NEWSLETTER_END.format(text=text, title=material.titles[number], number=7_919 * number)
                for number, text in enumerate(material.short)
            ]
        ),
        subjects=tuple(encode_words(title, charset) for title in material.titles),
        people=_make_people(language, charset),
        filenames=_make_filenames(material.titles),
    )


class Blocks(NamedTuple):
    """Everything that messages are made of, the same in every process."""

    pools: tuple[Pool, ...]
    """One hundred entries: a uniform choice among them follows the languages' weights."""
    binary: bytes
    """Base64 lines (78 bytes with their CRLF) of random bytes: slices of it are attachments."""
    images: tuple[bytes, ...]
    """Small real PNG images in base64 lines."""


@cache
def make_blocks() -> Blocks:
    """Return the blocks; made at the first call, in well under a second."""
    source = Random(20_250_101)  # noqa: S311 -- the corpus is meant to be predictable
    pools: list[Pool] = []
    for language in LANGUAGES:
        material = _make_material(language, source.random)
        variants = [_make_pool(material, language, variant) for variant in language.variants]
        pools += (variants * language.weight)[: language.weight]
    binary = encode_base64(source.randbytes(_BINARY_POOL_LINES * _BASE64_LINE_BYTES))
    return Blocks(tuple(pools), binary, tuple(encode_base64(image) for image in PNG_IMAGES))
