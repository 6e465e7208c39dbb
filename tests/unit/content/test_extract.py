"""The text of documents: every kind, whatever they are called, and what broken and hostile ones come to."""

import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.documents import (
    TEXT,
    WORD,
    attach,
    make_docx,
    make_odf,
    make_pdf,
    make_pptx,
    make_xlsx,
    make_zip,
    word_xml,
)

from postroom.content import extract as extract_module
from postroom.content import extract_office
from postroom.content.digest import digest_message
from postroom.content.extract import Extracted, ExtractTask, extract, read_document
from postroom.content.extract_text import Enough, TextSink
from postroom.mime.documents import has_documents, iter_documents
from postroom.mime.parse import parse_message
from postroom.model.mail import Part

TASK = ExtractTask(skip=[], only=None, max_bytes=1 << 30, document_seconds=9, message_seconds=9)
ANY = "application/octet-stream"


def text_of(data: bytes, content_type: str = ANY, *, chars: int = 1 << 20) -> str:
    raw = attach(("x", content_type, b""))
    part = parse_message(raw).parts[1]
    sink = TextSink(chars)
    try:
        read_document(data, part, sink)
    except Enough:
        assert sink.left == 0
    return sink.text()


def read(raw: bytes, task: ExtractTask = TASK) -> tuple[Extracted, list[int]]:
    begun: list[Part] = []
    found = extract(raw, task, begin=begun.append, may_go_on=lambda: True)
    return found, [part.id for part in begun]


def other_of(raw: bytes) -> str:
    terms = read(raw)[0].terms
    return "" if terms is None else terms.other.lower()


# Each kind


def test_pdf() -> None:
    text = text_of(make_pdf("Quarterly figures", "Second sheet"))
    assert "Quarterly figures" in text
    assert "Second sheet" in text


def test_a_pdf_may_begin_behind_something_else() -> None:
    assert "Figures" in text_of(b"\r\nnoise\r\n" + make_pdf("Figures"))


def test_word() -> None:
    data = make_docx("First", "Second", header1="Letterhead", footnotes="Small print", settings="never")
    text = text_of(data)
    assert sorted(text.split()) == ["First", "Letterhead", "Second", "Small", "print"]


def test_runs_of_a_word_are_one_word_and_old_forms_are_left_out() -> None:
    body = (
        f'<w:document xmlns:w="{WORD}" xmlns:m="m"><w:p><w:r><w:t>ex</w:t></w:r><w:r><w:t>tract</w:t></w:r>'
        "<m:AlternateContent><m:Choice><w:t> new</w:t></m:Choice><m:Fallback><w:t> old</w:t></m:Fallback>"
        "</m:AlternateContent></w:p><w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r></w:p></w:document>"
    )
    text = text_of(make_zip({"word/document.xml": body}))
    assert text.split() == ["extract", "new", "a", "b"]


def test_sheets() -> None:
    cells = (
        '<row><c t="s"><v>77</v></c><c><v>4711</v></c><c><v>0.30000000000000004</v></c><c t="b"><v>1</v></c>'
        '<c t="inlineStr"><is><t>inline</t></is></c><c t="str"><f>A1&amp;B1</f><v>computed words</v></c></row>'
    )
    text = text_of(make_xlsx("shared text", "another", cells=cells))
    assert text.split() == ["shared", "text", "another", "4711", "inline", "computed", "words"]


def test_slides_come_in_their_order() -> None:
    text = text_of(make_pptx(*(f"slide{number}" for number in range(1, 13))))
    assert text.split() == [f"slide{number}" for number in range(1, 13)]


def test_open_document() -> None:
    text = text_of(make_odf("Größe", "a<text:tab/>b <text:span>inside</text:span>"))
    assert text.split() == ["Größe", "a", "b", "inside"]


def test_open_document_in_one_file() -> None:
    data = (
        f'<?xml version="1.0"?><office:document xmlns:office="o" xmlns:text="{TEXT}"><office:body><text:p>Flat'
        "</text:p></office:body></office:document>"
    )
    assert text_of(data.encode()).split() == ["Flat"]


def test_rtf() -> None:
    data = rb"{\rtf1\ansi\ansicpg1252 {\fonttbl{\f0 Arial;}}Gr\'fc\'dfe \u26085?\u26412?\par next \u-10179?\u-8704?}"
    text = other_of(attach(("letter.rtf", "application/rtf", data)))
    assert "grusse" in text
    assert "日本" in text
    assert "next" in text
    assert "arial" not in text


def test_attached_text() -> None:
    assert text_of(b"plain words", "text/plain") == "plain words"
    assert text_of(b"a;b\n1;2", "text/csv") == "a;b\n1;2"
    assert text_of(b"<p>shown</p><script>hidden</script>", "text/html").split() == ["shown"]


def test_what_holds_no_text() -> None:
    for data in (
        b"",
        b"\x00" * 5000,
        b"PK\x03\x04",
        b"%PDF-1.4",
        b"{\\rtf1",
        make_zip({"a.txt": "no document"}),
    ):
        assert not text_of(data).strip()


# In messages


def test_the_message_is_found_by_what_it_was_and_by_its_documents() -> None:
    raw = attach(
        ("a.pdf", "application/pdf", make_pdf("Alpha")),
        ("photo.jpg", "image/jpeg", b"\xff\xd8"),
        ("b.bin", "application/vnd.oasis.opendocument.text", make_odf("Beta")),
    )
    before = digest_message(raw).index_terms
    found, begun = read(raw)
    assert (found.read, found.failed, begun) == (2, 0, [2, 4])
    assert found.terms is not None
    assert found.terms._replace(other="") == before._replace(other="")
    assert found.terms.other.startswith(before.other)
    assert {"alpha", "beta"} <= set(found.terms.other.lower().split())


def test_documents_of_attached_messages() -> None:
    inner = attach(("deep.docx", ANY, make_docx("Deeply hidden")))
    raw = attach(("m.eml", "message/rfc822", inner))
    assert "deeply hidden" in other_of(raw)


def test_which_parts_may_be_documents() -> None:
    files = [
        ("a.PDF", ANY), ("a.pdf.exe", ANY), ("a.zip", "application/zip"), ("a", "application/pdf"),
        ("notes.txt", "text/plain"), ("a.docx", "application/zip"), ("i.png", "image/png"),
    ]  # fmt: skip
    root = parse_message(attach(*((name, kind, b"x") for name, kind in files)))
    assert [part.filename for part in iter_documents(root)] == ["a.PDF", "a", "notes.txt", "a.docx"]
    assert has_documents(root)
    assert not has_documents(parse_message(b"Subject: x\r\n\r\nplain"))
    assert not has_documents(parse_message(attach(("i.png", "image/png", b"x"))))


def test_what_is_left_out() -> None:
    files = [(f"{name}.docx", ANY, make_docx(name)) for name in ("one", "two", "three")]
    raw = attach(*files)
    assert read(raw)[1] == [2, 3, 4]
    task = ExtractTask(skip=[2], only=[2, 3], max_bytes=1 << 20, document_seconds=9, message_seconds=9)
    found, begun = read(raw, task)
    assert (begun, found.read, found.failed) == ([3], 1, 2)
    found = extract(raw, TASK, begin=lambda _: None, may_go_on=lambda: False)
    assert found == Extracted(None, 0, 3)
    tiny = ExtractTask(skip=[], only=None, max_bytes=100, document_seconds=9, message_seconds=9)
    assert read(raw, tiny)[0] == Extracted(None, 0, 3)


def test_a_document_that_fails_is_no_matter_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes, part: Part, sink: TextSink) -> None:
        if part.filename == "bad.docx":
            sink.add("half ")
            raise RecursionError
        read_document(data, part, sink)

    monkeypatch.setattr(extract_module, "read_document", fail)
    raw = attach(("bad.docx", ANY, make_docx("x")), ("good.docx", ANY, make_docx("fine")))
    found, _ = read(raw)
    assert (found.read, found.failed) == (1, 1)
    assert found.terms is not None
    assert "half fine" in " ".join(found.terms.other.split())


def test_there_is_no_end_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_module, "MAX_CHARS", 1000)
    raw = attach(*((f"{number}.txt", "text/plain", b"word " * 300) for number in range(3)))
    found, begun = read(raw)
    assert begun == [2]
    assert found.terms is not None
    assert 900 < len(found.terms.other) < 1100


def test_a_long_document_is_read_as_far_as_time_allows() -> None:
    task = ExtractTask(skip=[], only=None, max_bytes=1 << 30, document_seconds=0, message_seconds=9)
    raw = attach(("a.docx", ANY, make_docx("one", "two")), ("b.docx", ANY, make_docx("three", "four")))
    found, begun = read(raw, task)
    assert (begun, found.read, found.failed) == ([2, 3], 2, 0)
    assert found.terms is not None
    assert found.terms.other.split()[-1:] == ["three"]
    assert "one" in found.terms.other.split()
    assert "four" not in found.terms.other.split()


# Hostile documents


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(1, 9)
    )
    for declared in (
        bomb,
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x SYSTEM "http://x/y"',
    ):
        end = "]>" if "[" in declared else ">"
        body = f'<?xml version="1.0"?>{declared}{end}<w:p xmlns:w="{WORD}"><w:t>before &a; after</w:t></w:p>'
        assert not text_of(make_zip({"word/document.xml": body})).strip()


def test_what_comes_before_a_fault_counts() -> None:
    body = word_xml("kept").replace("</w:body>", "<broken")
    assert text_of(make_zip({"word/document.xml": body})).split() == ["kept"]
    whole = make_docx("a" * 5000)
    assert text_of(whole[: len(whole) // 2]).strip() == ""


def test_a_zip_bomb_costs_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_office, "MAX_UNPACKED_BYTES", 4 << 20)
    bomb = make_zip({"word/document.xml": b" " * (200 << 20)})
    spaces = make_docx("x" * (64 << 20))
    assert len(bomb) < 1 << 20
    for data in (
        bomb,
        spaces,
        make_zip({**{f"word/header{n}.xml": b" " * (2 << 20) for n in range(50)}, "word/document.xml": b""}),
    ):
        tracemalloc.start()
        try:
            assert len(text_of(data)) <= 5 << 20
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()


def test_xml_is_read_to_some_depth() -> None:
    for depth, expected in ((500, ["deep"]), (100_000, [])):
        deep = f'<w:p xmlns:w="{WORD}">' + "<w:t>" * depth + "deep"
        assert text_of(make_zip({"word/document.xml": deep})).split() == expected


def test_a_tag_without_end_is_not_waited_for() -> None:
    assert not text_of(make_zip({"word/document.xml": b'<a b="' + b"x" * (100 << 20)})).strip()


def test_members_that_lie_about_themselves() -> None:
    file = io.BytesIO(make_docx("honest"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("word/header1.xml", word_xml("more"))
    data = file.getvalue()
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        text_of(bytes(changed))


def test_broken_pdfs() -> None:
    whole = make_pdf("Some figures", "more")
    for place in range(0, len(whole), 5):
        text_of(whole[:place])
        text_of(whole[:place] + b"\xff\x00<<" + whole[place + 4 :])
    looped = whole.replace(b"/Kids [4 0 R 6 0 R]", b"/Kids [2 0 R 2 0 R]")
    text_of(looped)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([b"%PDF-1.7\n", b"PK\x03\x04", b"{\\rtf1", b"<?xml?><office:document>"]),
)
def test_anything_at_all(rest: bytes, start: bytes) -> None:
    try:
        text_of(start + rest)
    except Exception:  # noqa: BLE001 - a reader may fail in any way; extract() takes it for a document without text
        found, _ = read(attach(("x.pdf", ANY, start + rest)))
        assert found.failed == 1
