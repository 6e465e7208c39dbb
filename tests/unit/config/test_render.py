"""``postroom config show`` shows what is in force, hides secrets, and can be read back."""

import tomllib
from pathlib import Path

from postroom.config.load import load
from postroom.config.render import render_config

ENVIRON = {
    "POSTROOM_DATA_DIR": '/a "b" \\c\x7f\n',
    "POSTROOM_STORE__URL": "postgresql://mail:geheim@db/mail",
    "POSTROOM_RELAY__PASSWORD": "hush",
    "POSTROOM_SENDING__RETRY_MINUTES": "1,2",
    "POSTROOM_CLASSES__DEFAULT__PAGE_SIZE": "7",
    "POSTROOM_CLASSES__STUDENT__RESTRICTIONS__TEMPORARY_ALIASES__DAYS": "3",
}


def test_what_is_shown_can_be_loaded(tmp_path: Path) -> None:
    loaded = load(environ=ENVIRON)
    path = tmp_path / "shown.toml"
    path.write_text(render_config(loaded), encoding="utf-8")
    tomllib.loads(path.read_text(encoding="utf-8"))
    again = load(
        path, environ={key: ENVIRON[key] for key in ("POSTROOM_STORE__URL", "POSTROOM_RELAY__PASSWORD")}
    )
    assert again.config == loaded.config


def test_sources_and_secrets() -> None:
    lines = render_config(load(environ=ENVIRON)).splitlines()
    assert 'url = "postgresql://mail:********@db/mail"  # POSTROOM_STORE__URL' in lines
    assert 'password = "********"  # POSTROOM_RELAY__PASSWORD' in lines
    assert "page_size = 7  # POSTROOM_CLASSES__DEFAULT__PAGE_SIZE" in lines
    assert "page_size = 7  # classes.default, POSTROOM_CLASSES__DEFAULT__PAGE_SIZE" in lines
    assert 'listen = "127.0.0.1:8080"  # default' in lines
    url = "postgresql://db/mail?user=anna&password=hush&sslmode=require"
    shown = render_config(load(environ={"POSTROOM_STORE__URL": url}))
    assert 'url = "postgresql://db/mail?user=anna&password=********&sslmode=require"' in shown
    assert not any("geheim" in line or "hush" in line for line in lines)
