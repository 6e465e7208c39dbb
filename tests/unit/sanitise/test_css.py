"""Declarations and style sheets keep what a level allows and nothing that fetches, hides or reaches out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sanitise.safety import sheet_dangers, style_dangers

from postroom.sanitise.css import clean_declarations, clean_stylesheet, scope_selector


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color:red", "color:red"),
        (" COLOR : Red ; ", "color:Red"),
        ("color:red;;;font-size:12px!important", "color:red;font-size:12px!important"),
        ("font-family:\"A B\", 'C', serif", "font-family:\"A B\", 'C', serif"),
        ("font-family:'微軟正黑體',Arial", "font-family:'微軟正黑體',Arial"),
        ("color:rgb(1, 2, 3);background:RGBA(1,2,3,.5)", "color:rgb(1, 2, 3);background:RGBA(1,2,3,.5)"),
        ("width:calc((100% - 2px) / 3)", "width:calc((100% - 2px) / 3)"),
        ("background:linear-gradient(red, rgb(1,2,3))", "background:linear-gradient(red, rgb(1,2,3))"),
        ("color:/* x */red/* y */", "color:red"),
        ("color:red;background:url(a;b);width:1px", "color:red;width:1px"),
        ("color:red;background:url('a;b)');width:1px", "color:red;width:1px"),
        ("color:red;background:url(a;width:1px", "color:red"),
        ("color:red;font-family:'x;width:1px", "color:red"),
        ("color", ""),
        ("color:", ""),
        (":red", ""),
        ("color:red:blue", ""),
        ("unknown:red;mso-line-height-rule:exactly;-moz-binding:x", ""),
        ("color:red\\;width:1px", ""),
        ("width:1px;color:}red{", "width:1px"),
        ("color:red;width:" + "1" * 3000, "color:red;width:" + "1" * 3000),
        ("color:red;width:calc(" + "1" * 3000 + ")", "color:red"),
        ("x" * 70_000, ""),
    ],
)
def test_declarations(style: str, kept: str) -> None:
    assert clean_declarations(style, 1) == kept


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("position:absolute;top:0", ("position:absolute;top:0", "", "")),
        ("float:left;clear:both", ("float:left;clear:both", "", "")),
        ("margin:-1px;margin-left:calc(-1px)", ("margin:-1px;margin-left:calc(-1px)", "", "")),
        ("margin:1px;padding:2px", ("margin:1px;padding:2px", "margin:1px;padding:2px", "")),
        ("color:red;font-weight:bold", ("color:red;font-weight:bold",) * 3),
        ("transform:rotate(3deg)", ("transform:rotate(3deg)", "", "")),
        ("position:fixed", ("", "", "")),
        ("position:sticky!important", ("", "", "")),
    ],
)
def test_levels(style: str, kept: tuple[str, str, str]) -> None:
    assert tuple(clean_declarations(style, level) for level in (0, 1, 2)) == kept
    assert clean_declarations(style, 3) == ""


@pytest.mark.parametrize(
    ("selector", "scoped"),
    [
        ("a", ".mail-body a"),
        ("body", ".mail-body"),
        ("html  BODY", ".mail-body"),
        ("html > body > .x>td", ".mail-body .x>td"),
        ("*", ".mail-body *"),
        ("#foo a:hover", ".mail-body #mail-foo a:hover"),
        ("#mail-foo", ".mail-body #mail-foo"),
        ("a[href^='x'], b", ""),
        ("td.sm\\:w-full", ".mail-body td.sm\\:w-full"),
        ("p::before", ".mail-body p::before"),
        ("tr:nth-child(2n + 1)", ".mail-body tr:nth-child(2n + 1)"),
        (".mail-body .x", ".mail-body .x"),
        ("u + .body .x", ".mail-body u + .body .x"),
        ("body + div", ""),
        ("body~div", ""),
        ("body.x a", ""),
        (".mail-body + p", ""),
        ("+ a", ""),
        ("> a", ""),
        ("a >", ""),
        ("a > > b", ""),
        ("a:not(b)", ""),
        (":is(html)", ""),
        ("a{", ""),
        ("a/**/", ""),
        ("\\61", ""),
        ("", ""),
    ],
)
def test_selectors(selector: str, scoped: str) -> None:
    assert scope_selector(selector) == scoped


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        ("p{color:red}", ".mail-body p{color:red}"),
        ("a,b{color:red}", ".mail-body a,.mail-body b{color:red}"),
        ("a,b:not(c){color:red}", ".mail-body a{color:red}"),
        ("@import 'x';@charset \"u\";p{color:red}", ".mail-body p{color:red}"),
        (
            "@media screen and (max-width:1px){p{color:red}}",
            "@media screen and (max-width:1px){.mail-body p{color:red}}",
        ),
        ("@media(max-width:1px){p{color:red}}", "@media(max-width:1px){.mail-body p{color:red}}"),
        ("@media url(x){p{color:red}}b{color:red}", ".mail-body b{color:red}"),
        ("@media screen{@media print{p{color:red}}b{color:red}}", "@media screen{.mail-body b{color:red}}"),
        ("@font-face{src:url(x)}p{color:red}", ".mail-body p{color:red}"),
        ("@supports(x:y){p{color:red}}b{color:red}", ".mail-body b{color:red}"),
        ("p{color:red;b{x:y}width:1px}i{color:red}", ".mail-body i{color:red}"),
        ("p{color:red}}i{color:red}", ".mail-body p{color:red}.mail-body i{color:red}"),
        ("p{color:red", ""),
        ("@media screen{p{color:red}", "@media screen{.mail-body p{color:red}}"),
        ("<!-- p{color:red} -->", ".mail-body p{color:red}"),
        ("/* p{color:red} */", ""),
        ("p{background:url(x)}", ""),
        ("p{color:red}" * 30_000, ""),
    ],
)
def test_style_sheets(sheet: str, kept: str) -> None:
    assert clean_stylesheet(sheet, 1) == kept


CSS = st.lists(
    st.sampled_from(
        ["color", ":", "calc(", ";", "red", "url(", ")", "(", "'", '"', "\\", "/*", "*/", "{", "}", "@media ",
         "@import ", "p",
         "body", " ", ",", "+", "position:fixed", "background:", "<", "</style>", "-", "#x", ".y", "[", "]", "\n"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(CSS)
def test_any_declarations_are_safe_and_stay_as_they_are(style: str) -> None:
    for level in range(4):
        cleaned = clean_declarations(style, level)
        assert style_dangers(cleaned) == []
        assert clean_declarations(cleaned, level) == cleaned


@given(CSS)
def test_any_style_sheet_is_safe_and_stays_as_it_is(sheet: str) -> None:
    for level in range(3):
        cleaned = clean_stylesheet(sheet, level)
        assert sheet_dangers(cleaned) == []
        assert clean_stylesheet(cleaned, level) == cleaned


@pytest.mark.parametrize("part", ["(", "'", "a(", "\\", ";", "/*", "a:b(", '"\\', "((", "a:rgb(1;"])
def test_hostile_styles_are_survived(part: str) -> None:
    clean_declarations(part * 20_000, 0)
    clean_stylesheet("p{" + part * 20_000 + "}", 0)
    clean_stylesheet(part * 20_000 + "{color:red}", 0)


@pytest.mark.parametrize(
    "part", ["a ", "a>", ".a", "[a]", "a:hover", "html ", ",", "a,", "{", "}", "@media ", "p{}", "@x;"]
)
def test_hostile_sheets_are_survived(part: str) -> None:
    sheet = part * 20_000
    assert sheet_dangers(clean_stylesheet(sheet + "{color:red}", 0)) == []
