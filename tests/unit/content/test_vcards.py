"""vCards: what is read of them, however they are written, and that what is written is read."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.content.vcards import MAX_LINES, VCard, read_vcards, write_vcard


def read(text: str | bytes) -> list[VCard | None]:
    return list(read_vcards(text.encode() if isinstance(text, str) else text))


def read_one(*lines: str, end: str = "\r\n") -> VCard:
    [card] = read(end.join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""]))
    assert card is not None
    return card


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"))).map(str.strip)
LINE = TEXT.filter(lambda text: text == " ".join(text.split()))
PART = LINE.map(lambda text: text.strip(", ;")).filter(lambda text: ", " not in text)
NOTES = st.lists(TEXT).map("\n".join).map(str.strip)
EMAIL = st.from_regex(r"\A[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,9}@[a-z0-9]{1,9}\.test\Z")
MEMBERS = st.none() | st.lists(st.tuples(LINE, EMAIL)).map(tuple)
PHOTOS = st.none() | st.tuples(st.sampled_from(["image/png", "image/jpeg"]), st.binary(min_size=1))


@st.composite
def cards(draw: st.DrawFn) -> VCard:
    emails = [*draw(st.lists(EMAIL, max_size=3, unique=True)), "", "", ""]
    return VCard(
        uid=draw(LINE),
        name=draw(LINE),
        first_name=draw(LINE),
        last_name=draw(LINE),
        nick_name=draw(PART),
        email=emails[0],
        business_email=emails[1],
        home_email=emails[2],
        phone=draw(LINE.filter(lambda text: text[:4].lower() != "tel:")),
        organization=draw(PART),
        notes=draw(NOTES),
        members=draw(MEMBERS),
        photo=draw(PHOTOS),
    )


@settings(deadline=None)
@given(st.lists(cards(), max_size=4), st.sampled_from(["3.0", "4.0"]))
def test_what_is_written_is_read(written: list[VCard], version: str) -> None:
    data = b"".join(write_vcard(card, version) for card in written)
    assert read(data) == written
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")


@settings(deadline=None)
@given(st.binary())
def test_nothing_breaks_it(data: bytes) -> None:
    read(b"BEGIN:VCARD\n" + data + b"\nEND:VCARD\n")
    read(data)


@settings(deadline=None)
@given(cards(), st.integers(0, 2000), st.integers(0, 2000))
def test_nor_does_what_is_cut(card: VCard, start: int, end: int) -> None:
    data = write_vcard(card, "4.0")
    read(data[:start] + data[end:])


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines(end: str) -> None:
    card = read_one(
        "fn:Be", " a", "item1.EMAIL;type=INTERNET:be", "\ta@x.test", "NOTE:a\\nb\\, c\\;", "", end=end
    )
    assert (card.name, card.email, card.notes) == ("Bea", "bea@x.test", "a\nb, c;")


def test_a_fold_inside_of_a_character() -> None:
    name = "é".encode()
    [card] = read(b"BEGIN:VCARD\r\nFN:" + name[:1] + b"\r\n " + name[1:] + b"\r\nEND:VCARD")
    assert card is not None
    assert card.name == "é"


def test_an_old_card() -> None:
    photo = base64.b64encode(b"x" * 100).decode()
    card = read_one(
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6=",
        "rg;;;",
        "FN;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:J=F6rg M=FCller",
        "TEL;HOME:1",
        "TEL;CELL;VOICE:2",
        "EMAIL;INTERNET;WORK:j@work.test",
        "EMAIL;INTERNET;PREF:j@x.test",
        "PHOTO;JPEG;ENCODING=BASE64:",
        f" {photo[:60]}",
        f" {photo[60:]}",
        "",
        "ORG:Büro GmbH;Einkauf",
        "AGENT:",
        "BEGIN:VCARD",
        "FN:Somebody else",
        "END:VCARD",
        'X-ODD;X-A="never ends:1',
        "NOTE;QUOTED-PRINTABLE:one=0D=0Atwo",
    )
    assert (card.first_name, card.last_name, card.name) == ("Jörg", "Müller", "Jörg Müller")
    assert (card.phone, card.email, card.business_email) == ("2", "j@x.test", "j@work.test")
    assert card.organization == "Büro GmbH, Einkauf"
    assert card.notes == "one\r\ntwo"
    assert card.photo is not None
    assert card.photo[1] == b"x" * 100


def test_a_photo_without_folds() -> None:
    photo = base64.b64encode(bytes(range(200))).decode()
    card = read_one("FN:a", f"PHOTO;ENCODING=b;TYPE=png:{photo[:76]}", photo[76:152], photo[152:], "TEL:1")
    assert card.photo == ("image/png", bytes(range(200)))
    assert card.phone == "1"


def test_a_new_card() -> None:
    card = read_one(
        "KIND:individual",
        "FN:Bea",
        "EMAIL;PREF=1;TYPE=home:bea@x.test",
        'EMAIL;TYPE="work,other":b@w.test',
        'TEL;VALUE=uri;TYPE="voice,cell":tel:+1-555-0100',
        "PHOTO:data:image/gif;base64,AAEC",
        "UID:urn:uuid:1",
    )
    assert (card.email, card.business_email, card.home_email) == ("bea@x.test", "b@w.test", "")
    assert (card.phone, card.uid, card.photo) == ("+1-555-0100", "urn:uuid:1", ("image/gif", b"\0\1\2"))
    assert card.members is None
    assert read_one("FN:a", "PHOTO;VALUE=uri:https://x.test/a.png").photo is None


def test_groups() -> None:
    card = read_one("KIND:group", "FN:Team", "MEMBER:mailto:a%40x.test", "MEMBER:urn:uuid:1")
    assert card.members == (("", "a@x.test"), ("", "urn:uuid:1"))
    assert read_one("X-ADDRESSBOOKSERVER-KIND:group", "FN:Team").members == ()


def test_broken_cards() -> None:
    good = "BEGIN:VCARD\nFN:a\nEND:VCARD\n"
    shown = [card and card.name for card in read(good + "BEGIN:VCARD\nnonsense\nEND:VCARD\n" + good)]
    assert shown == ["a", None, "a"]
    assert [card and card.name for card in read("BEGIN:VCARD\nFN:b\n" + good)] == [None, "a"]
    assert read("BEGIN:VCARD\nFN:b\n") == [None]
    assert read("FN:b\nEND:VCARD\n") == []
    assert read("") == read("hello") == read(b"\xff\xfe\x00") == []
    assert [card and card.name for card in read("\ufeff" + good)] == ["a"]
    assert [card and card.name for card in read(good.encode("utf-16"))] == ["a"]


def test_endless_cards() -> None:
    line = "X-A:1\n"
    assert read(
        "BEGIN:VCARD\nFN:a\n" + line * (MAX_LINES + 9) + "END:VCARD\nBEGIN:VCARD\nFN:b\nEND:VCARD\n"
    ) == [
        None,
        VCard(name="b"),
    ]
    for text in ("PHOTO;ENCODING=b:\n" + "AAAA\n" * 200_000, "NOTE;QUOTED-PRINTABLE:" + "a=\n" * 200_000):
        assert len(read(f"BEGIN:VCARD\nFN:a\n{text}\n\nEND:VCARD\n")) == 1
    for start in ('a"', "a\\", 'X;A="', "N:;\\;", "X;" * 9):
        assert len(read("BEGIN:VCARD\n" + start * 100_000 + "\nEND:VCARD\n")) == 1
