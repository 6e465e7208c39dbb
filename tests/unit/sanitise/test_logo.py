"""What is an SVG Tiny PS document, and what is not."""

import gzip
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.sanitise.logo import MAX_DEPTH, MAX_ELEMENTS, find_fault

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
ROOT = f'{NAMESPACES} version="1.2" baseProfile="tiny-ps" viewBox="0 0 96 96"'


def logo(inside: str = '<rect width="96" height="96" fill="#fff"/>', root: str = ROOT) -> bytes:
    return f"<svg {root}><title>Example</title>{inside}</svg>".encode()


GOOD = {
    "plain": logo(),
    "declared": b'<?xml version="1.0" encoding="UTF-8"?>\n' + logo(),
    "byte order mark": b"\xef\xbb\xbf" + logo(),
    "comment": logo("<!-- <script> --><g/>"),
    "described": logo("<desc>It is red.</desc>"),
    "gradient": logo(
        '<defs><linearGradient id="a"><stop offset="0" stop-color="rgb(1,2,3)"/></linearGradient>'
        '<linearGradient id="b" xlink:href="#a" gradientTransform="rotate(90)"/></defs>'
        '<path d="M0 0h9z" fill="url(#b) none" transform="translate(1,2) scale(.5)"/>'
    ),
    "use": logo('<defs><path id="p" d="M0 0"/></defs><use xlink:href="#p" x="1"/><use href=" #p "/>'),
    "metadata": logo(
        '<metadata><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:d="http://purl.org/dc/elements/1.1/"><d:title r:resource="http://a.example/">x</d:title>'
        "</r:RDF></metadata>"
    ),
    "text": logo('<text font-family="Sans" x="1 2"><tspan>a &lt; b</tspan></text>'),
    "other title": logo("<g><title>A part</title></g>"),
    "fixed values": logo(root=ROOT + ' zoomAndPan="disable" focusable="false" snapshotTime="none"'),
    "prefix": b'<s:svg xmlns:s="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps">'
    b"<s:title>x</s:title></s:svg>",
    "space": logo('<text xml:space="preserve" xml:lang="de">x</text>'),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_logos(name: str) -> None:
    assert find_fault(GOOD[name]) == ""


XHTML = "http://www.w3.org/1999/xhtml"
ELEMENTS = """script handler listener style animate animateTransform animateMotion animateColor set discard mpath
    foreignObject image a switch audio video iframe embed filter feImage mask clipPath pattern marker symbol svg
    font-face-src font-face-uri prefetch cursor view tref textPath html""".split()  # noqa: SIM905
BAD = {
    **{element: logo(f"<{element}/>") for element in ELEMENTS},
    **{
        f"in use: {attribute}": logo(f"<use {attribute}/>")
        for attribute in (
            'xlink:href="https://evil.example/a.svg#a"',
            'xlink:href="//evil.example/a"',
            'xlink:href="a.svg#a"',
            'xlink:href="data:image/svg+xml;base64,AAAA"',
            'href="javascript:alert(1)"',
            'href=" java&#10;script:alert(1)"',
            'xlink:href=""',
            'xlink:href="#a&#10;b"',
        )
    },
    **{
        f"attribute: {attribute}": logo(f"<rect {attribute}/>")
        for attribute in (
            'onclick="x()"',
            'onload="x()"',
            'ONCLICK="x()"',
            'onbegin="x()"',
            'style="fill:red"',
            'style="background:url(https://evil.example/)"',
            'fill="url(https://evil.example/a#b)"',
            'fill="url(//evil.example/a)"',
            'fill="url(a.svg#b)"',
            'fill="url( &quot;https://evil.example/&quot; )"',
            'fill="URL(#a)"',
            'fill="u\\72l(//evil.example/)"',
            'fill="url(#a"',
            'fill="image-set(&quot;//evil.example/&quot; 1x)"',
            'fill="src(x)"',
            'fill="url/**/(#a)"',
            'filter="url(#a)"',
            'clip-path="url(#a)"',
            'cursor="url(#a)"',
            'xlink:href="#a"',
            'href="#a"',
            'xlink:actuate="onLoad"',
            'xml:base="https://evil.example/"',
            'xmlns:i="http://ns.adobe.com/" i:x="y"',
            'focusable="true"',
            'fill="data:image/png"',
            'requiredFeatures="https://evil.example/"',
        )
    },
    "version": logo(root=ROOT.replace("1.2", "1.1")),
    "no version": logo(root=ROOT.replace('version="1.2"', "")),
    "profile": logo(root=ROOT.replace("tiny-ps", "tiny")),
    "no profile": logo(root=ROOT.replace('baseProfile="tiny-ps"', "")),
    "x": logo(root=ROOT + ' x="0px"'),
    "zoom": logo(root=ROOT + ' zoomAndPan="magnify"'),
    "timeline": logo(root=ROOT + ' timelineBegin="onStart"'),
    "namespace": logo(root=ROOT.replace("2000/svg", "2001/svg")),
    "no namespace": b'<svg version="1.2" baseProfile="tiny-ps"><title>x</title></svg>',
    "no title": logo().replace(b"<title>Example</title>", b""),
    "empty title": logo().replace(b"Example", b" \n "),
    "two titles": logo("<title>Other</title>"),
    "title elsewhere": logo().replace(b"<title>Example</title>", b"<g><title>x</title></g>"),
    "doctype": b"<!DOCTYPE svg>" + logo(),
    "external doctype": b'<!DOCTYPE svg SYSTEM "https://evil.example/a.dtd">' + logo(),
    "entity": b'<!DOCTYPE svg [<!ENTITY a "b">]>' + logo("<text>&a;</text>"),
    "external entity": b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + logo("<text>&a;</text>"),
    "laughs": b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>'
    + logo("<text>&c;</text>"),
    "parameter entity": b'<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://evil.example/">%a;]>' + logo(),
    "unknown entity": logo("<text>&nbsp;</text>"),
    "style sheet": b'<?xml-stylesheet href="https://evil.example/a.css"?>' + logo(),
    "instruction": logo("<?php x ?>"),
    "script of XHTML": logo(f'<script xmlns="{XHTML}">x()</script>'),
    "script of XHTML in metadata": logo(f'<metadata><s:script xmlns:s="{XHTML}"/></metadata>'),
    "script in metadata": logo("<metadata><script/></metadata>"),
    "other vocabulary": logo('<x:y xmlns:x="http://evil.example/"/>'),
    "id twice": logo('<g id="a"/><g id="a"/>'),
    "use of a use": logo('<g id="a"><path/></g><g id="b"><use href="#a"/></g><use href="#b"/>'),
    "use of itself": logo('<g id="a"><use href="#a"/></g>'),
    "depth": logo("<g>" * MAX_DEPTH + "</g>" * MAX_DEPTH),
    "elements": logo("<g/>" * MAX_ELEMENTS),
    "uses": logo('<g id="a">' + "<g/>" * 400 + "</g>" + '<use href="#a"/>' * 400),
    "attributes": logo("<g " + " ".join(f'a{number}="x"' for number in range(100)) + "/>"),
    "no XML": b"GIF89a",
    "HTML": b"<html><body>Not found<br></body></html>",
    "empty": b"",
    "cut off": logo()[:-5],
    "two roots": logo() + logo(),
    "compressed": gzip.compress(logo()),
    "NUL": logo("\0"),
    "other encoding": b'<?xml version="1.0" encoding="UTF-7"?>' + logo(),
    "encoding that expat knows": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + logo(),
    "UTF-16": logo().decode().encode("utf-16"),
    "not UTF-8": logo("<text>\xe9</text>").decode().encode("latin-1"),
    "version of XML": b'<?xml version="1.1"?>' + logo(),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_logos(name: str) -> None:
    assert find_fault(BAD[name])


@pytest.mark.parametrize(
    "data",
    [
        logo("<g>" * 8000),
        logo('<use href="#a"/>' * 2000),
        logo('<g id="' + "a" * 30_000 + '"/>'),
        logo('<g fill="' + "url(" * 7000 + '"/>'),
        logo('<g fill="' + "(" * 30_000 + '"/>'),
        logo('<g fill="' + "a" * 30_000 + '("/>'),
        logo('<g fill="(' + "a" * 30_000 + '"/>'),
        logo('<g fill="rgb(' + "a" * 30_000 + ')("/>'),
        logo('<g fill="' + " " * 30_000 + '("/>'),
        logo('<use href="' + " " * 30_000 + '!"/>'),
        b"<" * 32_000,
        logo("&lt;" * 8000),
        logo("".join(f'<g id="a{number}">' for number in range(30)) + "<g/>" * 4000),
        logo('<g xmlns:a="b"' + "".join(f' xmlns:a{number}="b{number}"' for number in range(1500)) + "/>"),
    ],
)
def test_the_work_is_bounded(data: bytes) -> None:
    started = time.process_time()
    find_fault(data)
    assert time.process_time() - started < 0.25


@given(st.binary(max_size=200) | st.text(max_size=200).map(logo))
def test_nothing_fails(data: bytes) -> None:
    assert isinstance(find_fault(data), str)


@given(st.data())
def test_no_change_of_a_byte_fails(data: st.DataObject) -> None:
    good = bytearray(GOOD["gradient"])
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] = data.draw(st.integers(0, 255))
    assert isinstance(find_fault(bytes(good)), str)
