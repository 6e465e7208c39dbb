"""A boundary parameter that ends in spaces: its close delimiter opened one more part, made of the epilogue."""

from postroom.mime.parse import parse_message


def test_close_delimiter_of_a_boundary_that_ends_in_spaces() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b  "\r\n\r\n--b  \r\n\r\ntext\r\n--b  --\r\nepilogue\r\n'
    (part,) = parse_message(raw).parts
    assert raw[part.body_start : part.end] == b"text"
