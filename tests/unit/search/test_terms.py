"""The splitter agrees with the real FTS5 tokeniser, and finds what people type in many languages."""

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.search import terms as terms_module
from postroom.search.terms import (
    MAX_TERM_CHARS,
    display_term,
    index_terms,
    make_mark,
    mark_terms,
    render_tsvector,
    split_terms,
)

SAMPLES = {
    "english": "The quick brown fox's e-mail: John.Smith+news@mail.example.co.uk, 2nd of May 2024, 12:30 (GMT)!",
    "french": "L’élève où déjà naïf, cœur, Noël à 20°, ça va ? ŒUVRE 1 000 €",
    "german": "Größe STRASSE ß ẞ Übergrößenträger Jörg.Müller@büro.example",
    "swedish": "Ångström på Åland, smörgåsbord; ØRSTED æble Þór",
    "polish": "Zażółć gęślą jaźń ŁÓDŹ",
    "vietnamese": "Tiếng Việt: những người bạn tốt, Đà Nẵng",
    "turkish": "İstanbul ILIK ılık Şişli",
    "greek": "ΟΔΥΣΣΕΥΣ Οδυσσεύς ᾳ καλημέρα",
    "russian": "Привет, ёлка и Йод: съешь ещё этих мягких французских булок",
    "hebrew": "שָׁלוֹם עולם",
    "arabic": "مُحَمَّد می‌خواهم ٢٠٢٤ كتـــاب",
    "hindi": "यह हिन्दी में लिखा हुआ परीक्षण है, क़लम",
    "tamil": "தமிழ் மொழி",
    "thai": "ที่นี่ประเทศไทย ข",
    "khmer": "ភាសាខ្មែរ",
    "burmese": "မြန်မာဘာသာ",
    "chinese": "中文信息检索，字 abc中文def",
    "japanese": "日本語のテキスト、ガギグ カ゛ ｶﾞｷﾞ 𠮷野家",
    "korean": "안녕하세요 세계 가",
    "mixed": "Ｆｕｌｌ１２ ②x² ﬁne 😀smile soft\u00adhyphen zero\u200bwidth",
    "odd": "a\x00b \ue000x \U000f0915y \ud83d tab\there",
}


TOKENIZERS = ("ascii", "unicode61 remove_diacritics 2")
"""What the index uses, and what reads far more into a text: prepared text leaves neither anything to decide."""


class Fts:
    """A real FTS5 table as the index uses it, and the terms it holds."""

    def __init__(self, tokenizer: str) -> None:
        self.db = apsw.Connection(":memory:")
        self.db.execute(
            "CREATE VIRTUAL TABLE idx USING fts5(body, content='', contentless_delete=1,"
            f" tokenize='{tokenizer}')"
        )
        self.db.execute("CREATE VIRTUAL TABLE vocab USING fts5vocab(idx, 'instance')")

    def terms(self, prepared: str) -> list[str]:
        return self.all_terms([prepared])[0]

    def all_terms(self, prepared: list[str]) -> list[list[str]]:
        found: list[list[str]] = [[] for _ in prepared]
        with self.db:
            self.db.execute("DELETE FROM idx")
            self.db.executemany("INSERT INTO idx(rowid, body) VALUES (?, ?)", enumerate(prepared))
            for row, term in self.db.execute("SELECT doc, term FROM vocab ORDER BY doc, offset"):
                assert isinstance(row, int)
                assert isinstance(term, str)
                found[row].append(term)
        return found

    def matches(self, prepared: str, query: str) -> bool:
        with self.db:
            self.db.execute("DELETE FROM idx")
            self.db.execute("INSERT INTO idx(rowid, body) VALUES (1, ?)", (prepared,))
        return bool(list(self.db.execute("SELECT rowid FROM idx WHERE idx MATCH ?", (query,))))


@pytest.fixture(scope="module", params=TOKENIZERS)
def fts(request: pytest.FixtureRequest) -> Fts:
    return Fts(request.param)


def _encodable(text: str) -> str:
    """SQLite takes no lone surrogates; the splitter has to have dropped them."""
    text.encode()
    return text


@pytest.mark.parametrize("language", SAMPLES)
def test_fts5_yields_exactly_the_split_terms(fts: Fts, language: str) -> None:
    text = SAMPLES[language]
    terms = split_terms(text)
    assert terms
    assert fts.terms(_encodable(index_terms(text))) == terms


def test_characters_of_all_kinds_agree_with_fts5(fts: Fts) -> None:
    # The vast uniform areas (Han, Hangul, private use, unassigned planes) are sampled; all else is complete.
    uniform = (range(0x3400, 0xF900), range(0x13460, 0x1B000), range(0x1FB00, 0x110000))
    codes = [code for code in range(0x110000) if code % 97 == 0 or not any(code in area for area in uniform)]
    texts = [" ".join(f"q{chr(code)}z {chr(code)}" for code in batch) for batch in batched(codes)]
    found = fts.all_terms([_encodable(index_terms(text)) for text in texts])
    differing = [batch[0] for i, batch in enumerate(batched(codes)) if found[i] != split_terms(texts[i])]
    assert not differing


def batched(codes: list[int], size: int = 256) -> Iterator[list[int]]:
    return (codes[start : start + size] for start in range(0, len(codes), size))


def _code_points() -> Iterator[str]:
    return (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)


def test_terms_have_no_upper_case_and_no_accent() -> None:
    for char in filter(str.isalnum, _code_points()):
        for term in split_terms(char):
            assert term == term.lower()
            parts = unicodedata.normalize("NFD", term)
            assert not any("\u0300" <= part <= "\u036f" for part in parts), hex(ord(char))


def test_case_and_accents_do_not_matter() -> None:
    for left, right in [
        ("ÉLÈVE", "eleve"), ("e\u0301le\u0300ve", "élève"), ("STRASSE", "straße"), ("Søren", "soren"),
        ("Łódź", "lodz"), ("ΟΔΟΣ", "οδός"), ("Ёлка", "елка"), ("İstanbul", "istanbul"), ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"), ("ＡＢＣ１２", "abc12"), ("٢٠٢٤", "2024"), ("ｶﾞ", "ガ"), ("Æon", "aeon"), ("ꭰ", "Ꭰ"),
        ("soft\u00adhyphen", "softhyphen"), ("한국", unicodedata.normalize("NFD", "한국")),
    ]:  # fmt: skip
        assert split_terms(left) == split_terms(right), (left, right)


def test_letters_that_are_no_accented_ones_stay_apart() -> None:
    assert split_terms("か") != split_terms("が")
    assert split_terms("कि") != split_terms("की")


def test_runs_without_spaces_become_pairs() -> None:
    assert split_terms("日本語") == ["日本", "本語"]
    assert split_terms("字") == ["字"]
    assert split_terms("abc中文def") == ["abc", "中文", "def"]
    assert split_terms("안녕하세요") == ["안녕", "녕하", "하세", "세요"]
    assert [display_term(term) for term in split_terms("ที่นี่")] == ["ที", "ี่", "่น", "นี", "ี่"]


@pytest.mark.parametrize("text", ["ประเทศไทย", "日本語のテキスト", "ភាសាខ្មែរ", "မြန်မာဘာသာ", "가나다라"])
def test_any_part_of_two_characters_is_found(fts: Fts, text: str) -> None:
    prepared = index_terms(f"before {text} after")
    for start, end in ((i, j) for i in range(len(text)) for j in range(i + 2, len(text) + 1)):
        phrase = " ".join(split_terms(text[start:end]))
        assert fts.matches(prepared, f'"{phrase}"'), text[start:end]


@pytest.mark.parametrize(
    "wanted", ["john.smith@mail.example.co.uk", "John.Smith", "example.co.uk", "mail.example", "smith", "UK"]
)
def test_addresses_are_found_by_whole_local_part_and_domain(fts: Fts, wanted: str) -> None:
    prepared = index_terms('"Smith, John" <John.Smith@mail.example.co.uk>')
    assert fts.matches(prepared, f'"{" ".join(split_terms(wanted))}"')
    assert not fts.matches(prepared, '"uk example"')


def test_vowel_signs_do_not_tear_words(fts: Fts) -> None:
    assert len(split_terms("हिन्दी")) == 1
    assert display_term(split_terms("हिन्दी")[0]) == "हिन्दी"
    assert display_term("plain") == "plain"
    assert fts.matches(index_terms("यह हिन्दी है"), split_terms("हिन्दी")[0])


@pytest.mark.parametrize("letter", ["a", "я", "é", "ß"])
def test_long_words_are_cut_and_still_found(fts: Fts, letter: str) -> None:
    text = f"x {letter * 300} y"
    terms = split_terms(text)
    assert [len(term) for term in terms] == [1, MAX_TERM_CHARS, 1]
    assert fts.terms(index_terms(text)) == terms


def test_terms_are_one_space_apart() -> None:
    assert index_terms(" Much to do:\r\na_b-c@d.example, é\u2003É") == "much to do a b c d example e e"
    assert index_terms(" A_b\x1cc\r\n") == "a b c"
    assert index_terms("") == index_terms(" .") == index_terms("…") == ""
    assert split_terms("") == []
    assert split_terms(" .-_@\x00\n") == []


def test_marks_tell_accounts_apart() -> None:
    marks = [make_mark(number) for number in (0, 1, 9, 35, 36, 80, 1295, 1296, 2**31)]
    assert not any(left != right and right.startswith(left) for left in marks for right in marks)
    assert mark_terms("two words", make_mark(80)) == "228two 228words"
    assert mark_terms("", make_mark(80)) == ""


def test_tsvector_has_the_terms_at_their_places() -> None:
    assert render_tsvector(split_terms("to be or not to be")) == "'to':1,5 'be':2,6 'or':3 'not':4"
    assert render_tsvector([]) == ""


def test_tsvector_keeps_within_the_limits_of_postgresql() -> None:
    many = render_tsvector(["same"] * 1000)
    assert many.count(",") == 254
    far = render_tsvector([f"t{i}" for i in range(20_000)])
    assert "'t16382':16383 't16383':16383" in far
    assert "16384" not in far.replace("'t16384'", "")
    huge = render_tsvector([f"{i:064}" for i in range(40_000)])
    assert 900_000 < len(huge.encode()) < 1_400_000


@pytest.mark.parametrize(
    ("apart", "whole"),
    [
        ("か\u3099き", "がき"), ("ｶﾞｷ", "ガキ"), ("\u1112\u1161\u11ab글", "한글"), ("하\u11ab글", "한글"),
        ("\u0438\u0306", "й"), ("क\u093cा", "क़ा"),
    ],
)  # fmt: skip
def test_what_joins_the_character_before_it_is_folded_with_it(apart: str, whole: str) -> None:
    assert split_terms(apart) == split_terms(whole)


# A vowel sign is folded together with all that follows it up to a letter of ASCII.
@given(st.text(st.characters(exclude_categories=["Cs"]).filter(lambda char: not char.isascii()), max_size=60))
def test_characters_are_folded_alone_as_in_company(text: str) -> None:
    assert split_terms(f"\u0e34 {text}") == [*split_terms("\u0e34"), *split_terms(text)]


def test_what_is_known_of_characters_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Καλημέρα κόσμε, доброе утро, 日本語のテキスト ประเทศไทย"
    expected = index_terms(text)
    monkeypatch.setattr(terms_module, "_MOST_LEARNT", 3)
    assert index_terms(text) == expected


@given(st.text(max_size=200))
def test_any_text_agrees_with_fts5(text: str) -> None:
    terms = split_terms(text)
    assert _FTS.terms(_encodable(index_terms(text))) == terms
    assert all(1 <= len(term) <= MAX_TERM_CHARS for term in terms)
    assert not any(char in term for term in terms for char in "\"'*()+:^ ")


_FTS = Fts(TOKENIZERS[0])


@given(st.text(alphabet="aZ9é\u0301ß日本กี่한क़्ि .-\u200d\U0001f600", max_size=100))
def test_splitting_the_parts_gives_the_parts_of_the_whole(text: str) -> None:
    assert split_terms(f"{text} {text}") == split_terms(text) * 2
    assert len(list(pairwise(split_terms(text)))) == max(0, len(split_terms(text)) - 1)
