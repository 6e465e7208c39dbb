"""Transfer-encoded messages inside one another are each decoded anew: a hundred of them cost a hundred times."""

from postroom.mime.parse import parse_message
from postroom.mime.structure import iter_parts


def test_encoded_nesting_is_bounded() -> None:
    raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n" * 60
    assert len(list(iter_parts(parse_message(raw)))) == 9
