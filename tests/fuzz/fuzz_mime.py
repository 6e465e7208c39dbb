"""Coverage-guided fuzzing of the mime package (needs atheris): ``python tests/fuzz/fuzz_mime.py -max_total_time=60``.

Any exception is a finding, and so is a broken invariant: offsets that do not fit, a size that is not exact, a stream
that decodes otherwise than the whole, text that is not text. Options are libFuzzer's; a folder named on the command
line is the corpus to begin from and to extend. Findings become tests in ``tests/regress``.
"""

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["postroom.mime"]):
    from postroom.mime.address import parse_addresses
    from postroom.mime.decode import decode_body, decoded_size, text_of
    from postroom.mime.headers import decode_address_value, decode_value, parse_headers
    from postroom.mime.index_text import index_fields
    from postroom.mime.parse import parse_message
    from postroom.mime.stream import body_decoder
    from postroom.mime.structure import best_body, iter_parts, list_attachments, part_source
    from postroom.mime.summary import sort_keys, summarise
    from postroom.mime.text import quoted_parts

SEEDS = (
    b'Subject: =?utf-8?q?a?=\r\nFrom: "A, b" <c@d>, e: f@g;\r\n\r\n> quoted\r\n-- \r\nsignature\r\n',
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nTo: x\r\n\r\ny\r\n"
    b"--b\r\nContent-Disposition: attachment; filename*0*=utf-8''%C3; filename*1=x\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--b--\r\n",
    b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCmlubmVyIHRleHQ=\n",
    b"Content-Transfer-Encoding: quoted-printable\nContent-Type: text/html; charset=utf-16\n\n"
    b"=\n=41= \n==\r<meta charset=x>",
    b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n#86)C\n`\nend\n",
    b'Content-Type: multipart/digest; boundary="a b"\n\n--a b\n\nX: y\n\n'
    b"--a b\nContent-Type: text/calendar; method=x\n\n",
)


def check_message(raw: bytes) -> None:
    """Read ``raw`` in every way there is."""
    root = parse_message(raw)
    assert root.end == len(raw)
    for number, part in enumerate(iter_parts(root)):
        source = part_source(raw, root, part)
        assert part.id == number
        assert 0 <= part.header_start <= part.body_start <= part.end <= len(source)
        data = decode_body(source, part)
        assert decoded_size(source, part) == len(data)
        decoder, encoded = body_decoder(part.encoding), source[part.body_start : part.end]
        pieces = [decoder.feed(encoded[start : start + 7]) for start in range(0, len(encoded), 7)]
        assert b"".join([*pieces, decoder.finish()]) == data
        for field in parse_headers(source, part):
            decode_value(field.value).encode()
            parse_addresses(field.value)
            parse_addresses(decode_address_value(field.value))
    _check_summary(raw)


def _check_summary(raw: bytes) -> None:
    root = parse_message(raw)
    texts = [
        text_of(decode_body(part_source(raw, root, part), part), part) if part is not None else ""
        for part in (best_body(root, "text"), best_body(root, "html"))
    ]
    summary = summarise(raw, root, body_text=texts[0], html=texts[1])
    sort_keys(summary)
    repr(summary).encode()
    assert summary.attachments == list_attachments(raw, root, texts[1])
    "".join(index_fields(raw, root, texts[0])).encode()
    position = 0
    for start, end in quoted_parts(texts[0]):
        assert position <= start < end <= len(texts[0])
        position = end


def main() -> None:
    """Run the fuzzer with the options of the command line."""
    for seed in SEEDS:
        check_message(seed)
    atheris.Setup(sys.argv, check_message)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
