"""A delimiter right behind a blank line: the line end belongs to the blank line, also for the parts around.

The container's end was taken before that line end, and the part inside, whose body begins behind it, ended later.
"""

from postroom.mime.parse import parse_message


def test_containers_end_no_earlier_than_what_is_inside() -> None:
    raw = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: only a header\r\n\r\n--b\r\n\r\n"
        b"Subject: second\r\n\r\ntext\r\n--b--\r\n"
    )
    message = parse_message(raw).parts[0]
    inner = message.parts[0]
    assert (message.content_type, inner.content_type) == ("message/rfc822", "text/plain")
    assert inner.body_start == inner.end == message.end
