"""A long line of ``=`` in quoted-printable, decoded in pieces, lost one where two pieces met."""

from tests.unit.mime.messages import iter_decoded, iter_slices

from postroom.mime.decode import decode_bytes


def test_run_of_equals_signs_across_pieces() -> None:
    body = b"a" * 70_000 + b"=" * 70_000 + b"41\r\n"
    pieces = iter_slices(body, 0, end=len(body), slice_bytes=777)
    assert b"".join(iter_decoded(pieces, "quoted-printable")) == decode_bytes(body, "quoted-printable")
    assert decode_bytes(body, "quoted-printable").endswith(b"==A\r\n")
