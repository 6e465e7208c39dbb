"""The section of the submission server: what does not fit is told before anything starts."""

from pathlib import Path

import pytest

from postroom.config.load import ConfigError, load


def _problems(tmp_path: Path, text: str) -> str:
    path = tmp_path / "postroom.toml"
    path.write_text(f"[submission]\n{text}")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('listen = ["127.0.0.1:587"]', "submission.certificate: must be given where the server listens"),
        ('listen_tls = ["127.0.0.1:465"]', "submission.certificate: must be given"),
        ('listen = "127.0.0.1:587"', "submission.listen: must be a list of strings"),
        ('listen = ["587"]', "submission.listen: must be an address such as"),
        ('listen = ["[::1]:587", "[::1]:587"]\ncertificate = "/c"', "must name each address once"),
        ('listen = [":1:1"]\ncertificate = "/c"', "submission.listen: must be an address"),
        ('certificate = "c.pem"', "submission.certificate: must be an absolute path"),
        ('key = "k.pem"', "submission.key: must be an absolute path"),
        ('hostname = "two words"', "submission.hostname: must be a host name"),
        ("login_timeout_seconds = 0", "submission.login_timeout_seconds: must be"),
        (
            'listen = ["[::1]:5"]\nlisten_tls = ["[::1]:5"]\ncertificate = "/c"',
            "submission.listen_tls: must differ from submission.listen",
        ),
    ],
)
def test_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in _problems(tmp_path, text)


def test_it_is_off_by_default(tmp_path: Path) -> None:
    path = tmp_path / "postroom.toml"
    path.write_text("")
    assert not load(path, environ={}).config.submission.is_on
