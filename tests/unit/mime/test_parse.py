"""The offset parser: part trees, offsets, tolerance, limits."""

import base64
import mmap
import tempfile

import pytest

from postroom.mime.parse import parse_message
from postroom.mime.raw import Limits
from postroom.mime.structure import iter_parts, part_source
from tests.unit.mime.messages import FORWARDED, MIXED, RELATED, check_tree, crlf, parsed_shape, shape, text_at


@pytest.mark.parametrize("raw", [MIXED, FORWARDED, RELATED, b"", b"\r\n", b"Subject: x", b"body only"])
def test_offsets_are_consistent(raw: bytes) -> None:
    check_tree(raw, parse_message(raw))


def test_multipart_tree() -> None:
    assert parsed_shape(MIXED) == (
        "multipart/mixed",
        (("multipart/alternative", ("text/plain", "text/html")), "application/pdf"),
    )


def test_body_excludes_the_line_end_of_the_delimiter() -> None:
    root = parse_message(MIXED)
    plain = root.parts[0].parts[0]
    assert MIXED[plain.header_start : plain.body_start] == b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    assert MIXED[plain.body_start : plain.end] == b"plain text"


def test_leaf_describes_its_content_headers() -> None:
    pdf = parse_message(MIXED).parts[1]
    assert (pdf.content_type, pdf.encoding, pdf.disposition) == ("application/pdf", "base64", "attachment")
    assert pdf.filename == "report.pdf"
    assert parse_message(RELATED).parts[1].content_id == "logo@example.com"


def test_simple_message() -> None:
    raw = b"Subject: x\r\n\r\nbody\r\n"
    root = parse_message(raw)
    assert (root.content_type, root.header_start, root.body_start, root.end) == ("text/plain", 0, 14, 20)
    assert root.parts == ()


def test_header_only_message_has_an_empty_body() -> None:
    root = parse_message(b"Subject: x\r\nTo: y")
    assert root.body_start == root.end == 17


def test_message_without_header() -> None:
    root = parse_message(b"\r\nbody")
    assert (root.header_start, root.body_start) == (0, 2)
    assert parse_message(b"no header at all\r\n").body_start == 0


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_both_line_ends(line_end: str) -> None:
    raw = MIXED.replace(b"\r\n", line_end.encode())
    check_tree(raw, parse_message(raw))
    assert parsed_shape(raw) == parsed_shape(MIXED)
    assert text_at(raw, 2) == "plain text"


def test_mixed_line_ends() -> None:
    raw = MIXED.replace(b"--inner\r\n", b"--inner\n").replace(b"utf-8\r\n\r\n", b"utf-8\n\r\n")
    assert parsed_shape(raw) == parsed_shape(MIXED)


def test_bare_cr_is_data() -> None:
    raw = b"Subject: a\rX-Not: a field\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nx\r--b\r\n"
    root = parse_message(raw)
    assert root.parts == ()


def test_nested_message_is_an_only_child() -> None:
    root = parse_message(FORWARDED)
    message = root.parts[1]
    assert shape(message) == ("message/rfc822", (("multipart/mixed", ("text/plain", "image/png")),))
    inner = message.parts[0]
    assert inner.header_start == message.body_start
    assert inner.decoded_base == -1


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_encoded_nested_message_is_decoded(encoding: str) -> None:
    inner = b"Subject: inner\r\nContent-Type: text/html\r\n\r\n<p>caf\xc3\xa9</p>"
    body = (
        base64.encodebytes(inner)
        if encoding == "base64"
        else inner.replace(b"\xc3\xa9", b"=C3=A9").replace(b'="', b'=3D"')
    )
    raw = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + body
    )
    root = parse_message(raw)
    check_tree(raw, root)
    child = root.parts[0]
    assert (child.id, child.decoded_base, child.content_type) == (1, 0, "text/html")
    assert part_source(raw, root, child)[child.body_start : child.end] == "<p>café</p>".encode()


def test_twice_encoded_messages_nest() -> None:
    header = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    innermost = b"Subject: deep\r\n\r\ndeep text"
    raw = header + base64.encodebytes(header + base64.encodebytes(innermost))
    root = parse_message(raw)
    check_tree(raw, root)
    assert [part.decoded_base for part in iter_parts(root)] == [-1, 0, 1]
    assert text_at(raw, 2) == "deep text"


def test_ids_go_on_behind_an_encoded_message() -> None:
    inner = base64.encodebytes(MIXED).decode()
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n"
        f"Content-Transfer-Encoding: base64\n\n{inner}\n--x\n\nlast\n--x--\n"
    )
    check_tree(raw, parse_message(raw))
    assert text_at(raw, 7) == "last"


def test_message_said_to_be_base64_but_written_plainly() -> None:
    raw = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nSubject: plain\r\n\r\ntext"
    )
    assert parsed_shape(raw) == ("message/rfc822", ("text/plain",))
    assert parse_message(raw).encoding == "8bit"


def test_digest_makes_messages_by_default() -> None:
    raw = crlf(
        "Content-Type: multipart/digest; boundary=d\n\n"
        "--d\n\nSubject: a\n\nx\n--d\nContent-Type: text/plain\n\ny\n--d--\n"
    )
    assert parsed_shape(raw) == ("multipart/digest", (("message/rfc822", ("text/plain",)), "text/plain"))


def test_missing_close_delimiter() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n")
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain", "text/plain"))
    assert text_at(raw, 2) == "two\r\n"


def test_outer_delimiter_ends_an_unclosed_inner_multipart() -> None:
    raw = MIXED.replace(b"--inner--\r\n", b"")
    assert parsed_shape(raw) == parsed_shape(MIXED)


@pytest.mark.parametrize(
    ("outer", "inner"), [("foo", "foo-1"), ("foo-1", "foo"), ("--x", "--x--y"), ("a", "a b")]
)
def test_boundaries_that_begin_like_one_another(outer: str, inner: str) -> None:
    raw = MIXED.replace(b"outer", outer.encode()).replace(b"boundary=inner", f'boundary="{inner}"'.encode())
    raw = raw.replace(b"--inner", b"--" + inner.encode())
    assert parsed_shape(raw) == parsed_shape(MIXED)


def test_same_boundary_inside_belongs_to_the_outer_multipart() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\n\none\n--b--\n\n--b\n\nnot a part\n"
    )
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain", "text/plain"))


def test_boundary_means_nothing_behind_its_close_delimiter() -> None:
    raw = MIXED + crlf("--outer\n\nmore\n--inner\n\n")
    assert parsed_shape(raw) == parsed_shape(MIXED)


def test_delimiter_with_padding_and_with_words_behind_it() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b and words\n\ntwo\n--b-- the end\n--b\n\n"
    )
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain", "text/plain"))
    assert text_at(raw, 1) == "one"


def test_boundary_that_ends_in_spaces() -> None:
    raw = crlf('Content-Type: multipart/mixed; boundary="b  "\n\n--b  \n\none\n--b  --\nend\n')
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain",))
    assert text_at(raw, 1) == "one"


def test_lines_that_only_look_like_delimiters() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n --b\n--bb\n-- b\n---b\nx--b\n--\n-- \n--b--\n"
    )
    assert text_at(raw, 1) == " --b\r\n--bb\r\n-- b\r\n---b\r\nx--b\r\n--\r\n-- "


def test_doubled_delimiters_count_as_one() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\none\n--b\n--b\n--b\n\ntwo\n--b--\n")
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain", "text/plain"))


def test_delimiter_in_a_header_block_ends_it() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\nX: y\n\ntwo\n--b--\n"
    )
    assert parsed_shape(raw) == ("multipart/mixed", ("text/html", "text/plain"))
    first = parse_message(raw).parts[0]
    assert first.body_start == first.end


def test_delimiter_with_a_colon_is_no_field() -> None:
    raw = crlf('Content-Type: multipart/mixed; boundary="b:1"\n\n--b:1\nX: y\n--b:1\n\ntwo\n--b:1--\n')
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain", "text/plain"))


def test_delimiters_behind_many_lines_that_look_like_them() -> None:
    noise = "--x\n--outer-\n--innermost\n" * 1000
    raw = MIXED
    for place in (b"preamble", b"plain text", b"<p>html text</p>"):
        raw = raw.replace(place, crlf(noise) + place)
    check_tree(raw, parse_message(raw))
    assert parsed_shape(raw) == parsed_shape(MIXED)
    assert text_at(raw, 2).endswith("--innermost\r\nplain text")
    long_names = raw.replace(b"outer", b"o" * 50).replace(b"inner", b"i" * 50)
    assert parsed_shape(long_names) == parsed_shape(MIXED)


def test_junk_lines_are_passed_over_up_to_a_limit() -> None:
    few = parse_message(b"A: b\njunk\n" * 900 + b"Content-Type: text/html\n\nbody")
    many = parse_message(b"A: b\njunk\n" * 1100 + b"Content-Type: text/html\n\nbody")
    assert (few.content_type, many.content_type) == ("text/html", "text/plain")


def test_empty_parts() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b\nX: y\n\n--b--\n")
    root = parse_message(raw)
    check_tree(raw, root)
    assert [part.end - part.body_start for part in root.parts] == [0, 0]


def test_cut_off_at_a_delimiter() -> None:
    raw = crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b")
    assert parsed_shape(raw) == ("multipart/mixed", ("text/plain",))


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary=""',
        "multipart/mixed; boundary=zzz",
    ],
)
def test_multipart_without_a_usable_boundary_is_text(content_type: str) -> None:
    raw = f"Content-Type: {content_type}\r\n\r\n--b\r\n\r\nhello\r\n--b--\r\n".encode()
    assert parsed_shape(raw) == "text/plain"
    assert "hello" in text_at(raw, 0)


def test_properly_empty_multipart_stays_one() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"
    assert parsed_shape(raw) == "multipart/mixed"
    assert parsed_shape(raw.replace(b"\r\n\r\n", b"\r\n\r\nhidden\r\n")) == "text/plain"


def test_boundary_in_the_bytes_of_the_message() -> None:
    raw = 'Content-Type: multipart/mixed; boundary="größe"\r\n\r\n--größe\r\n\r\none\r\n--größe--\r\n'
    assert (
        parsed_shape(raw.encode())
        == parsed_shape(raw.encode("latin-1"))
        == ("multipart/mixed", ("text/plain",))
    )


def test_very_long_boundary() -> None:
    boundary = "x" * 30_000
    raw = MIXED.replace(b"outer", boundary.encode())
    assert parsed_shape(raw) == parsed_shape(MIXED)


@pytest.mark.parametrize(
    "junk",
    [
        "From ann@example.com Thu Jan  1 00:00:00 2026\n",
        ">From x\n",
        " folded nothing\n",
        "no colon here\n",
        "nämé: x\n",
    ],
)
def test_junk_line_before_fields_is_passed_over(junk: str) -> None:
    raw = crlf(junk + "Content-Type: text/html\n\nbody")
    root = parse_message(raw)
    assert root.content_type == "text/html"
    assert raw[root.body_start :] == b"body"


def test_missing_blank_line_hides_nothing() -> None:
    raw = crlf("Subject: x\nThis is the body.\nIt goes on.\n\nTo the end.")
    assert text_at(raw, 0) == "This is the body.\r\nIt goes on.\r\n\r\nTo the end."


def test_lost_fold_keeps_the_header_together() -> None:
    raw = crlf('Content-Type: text/html; charset=utf-8;\nname="x"\nContent-Disposition: inline\n\nbody')
    root = parse_message(raw)
    assert (root.content_type, root.disposition) == ("text/html", "inline")
    assert raw[root.body_start :] == b"body"


def test_white_space_line_is_a_fold() -> None:
    raw = crlf("Subject :a\n  \n b\nContent-Type\t: text/html\n\nbody")
    root = parse_message(raw)
    assert root.content_type == "text/html"
    assert raw[root.body_start :] == b"body"


def test_first_of_repeated_content_fields_counts() -> None:
    assert (
        parse_message(b"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n").content_type
        == "text/html"
    )


@pytest.mark.parametrize(
    "value", [b"", b"text", b"/", b"text/", b";charset=utf-8", b"\xff\xfe", b"text plain"]
)
def test_broken_content_type_is_plain_text(value: bytes) -> None:
    assert parse_message(b"Content-Type: " + value + b"\r\n\r\nx").content_type == "text/plain"


def test_depth_limit() -> None:
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(300)
    )
    root = parse_message(raw)
    check_tree(raw, root)
    depth, part = 0, root
    while part.parts:
        depth, part = depth + 1, part.parts[0]
    assert depth == 100
    assert part.content_type == "multipart/mixed"


def test_depth_limit_of_messages_counts_encoded_ones() -> None:
    raw = b"Subject: core\r\n\r\ncore"
    for _ in range(20):
        raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(
            raw
        )
    root = parse_message(raw, limits=Limits(depth=10, encoded_depth=99))
    assert len(list(iter_parts(root))) <= 11
    check_tree(raw, root)
    assert len(list(iter_parts(parse_message(raw)))) == 9
    assert len(list(iter_parts(parse_message(raw, limits=Limits(encoded_depth=99))))) == 21


def test_part_limit_leaves_the_rest_in_the_last_part() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n" + b"\r\n--b\r\n\r\nx" * 50
    root = parse_message(raw, limits=Limits(parts=11))
    check_tree(raw, root)
    assert len(root.parts) == 10
    assert root.parts[-1].end == len(raw)
    assert b"--b" in raw[root.parts[-1].body_start :]


def test_fields_beyond_the_header_limit_are_not_looked_at() -> None:
    raw = b"X: " + b"y" * 2000 + b"\r\nContent-Type: text/html\r\n\r\nbody"
    root = parse_message(raw, limits=Limits(header_block_bytes=1000))
    assert root.content_type == "text/plain"
    assert raw[root.body_start :] == b"body"


def test_large_encoded_message_is_a_leaf() -> None:
    raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        MIXED
    )
    assert parse_message(raw, limits=Limits(encoded_message_bytes=100)).parts == ()


def test_memory_map_gives_the_same_tree() -> None:
    for raw in (MIXED, FORWARDED, RELATED):
        with tempfile.TemporaryFile() as file:
            file.write(raw)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                root = parse_message(mapped)
                assert root == parse_message(raw)
                check_tree(raw, root)
