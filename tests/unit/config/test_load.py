"""Loading of the configuration: layers, checks, inheritance of classes, and what is said of mistakes."""

from pathlib import Path

import pytest

from postroom.config.load import ConfigError, find_file, load
from postroom.errors import Kind


def write(folder: Path, text: str) -> Path:
    path = folder / "postroom.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path | None, environ: dict[str, str] | None = None, **flags: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ or {}, flags=flags)
    assert caught.value.kind is Kind.INVALID
    return caught.value.problems


def test_defaults_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config, sources = load(environ={})
    assert config.data_dir == Path("postroom-data")
    assert config.http.listen == "127.0.0.1:8080"
    assert config.lmtp.listen == "127.0.0.1:8024"
    assert config.lmtp.max_message_bytes == 50 * 1024 * 1024
    assert config.store.inline_limit_bytes == 64 * 1024
    assert config.sending.retry_minutes == (1, 5, 15, 30, 60, 120)
    assert set(config.classes) == {"default"}
    assert not sources


def test_the_first_file_that_is_there(tmp_path: Path) -> None:
    here, service = tmp_path / "here.toml", tmp_path / "etc" / "postroom.toml"
    assert find_file([here, service]) is None
    service.parent.mkdir()
    service.touch()
    assert find_file([here, service]) == service
    # What is no folder has no file in it.
    assert find_file([service / "postroom.toml", service]) == service
    here.touch()
    assert find_file([here, service]) == here


def test_folders_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is passed over; a service's configuration that is another user's is not."""
    # A loop of links cannot be looked at by anybody, root included.
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there.toml"
    there.touch()
    assert find_file([Path("loop/postroom.toml"), there]) == there
    hidden = tmp_path / "loop" / "postroom.toml"
    assert find_file([hidden, there]) == hidden
    assert "cannot be read" in problems_of(hidden)[0]


def test_later_layers_win(tmp_path: Path) -> None:
    path = write(tmp_path, '[http]\nlisten = "127.0.0.1:1"\nmax_json_bytes = 5000\nmax_upload_bytes = 6000\n')
    environ = {"POSTROOM_HTTP__LISTEN": "127.0.0.1:2", "POSTROOM_HTTP__MAX_JSON_BYTES": "7000", "HOME": "/"}
    config, sources = load(path, environ=environ, flags={"http.listen": "127.0.0.1:3"})
    assert config.http.listen == "127.0.0.1:3"
    assert config.http.max_json_bytes == 7000
    assert config.http.max_upload_bytes == 6000
    assert sources == {
        "http.listen": "--set http.listen",
        "http.max_json_bytes": "POSTROOM_HTTP__MAX_JSON_BYTES",
        "http.max_upload_bytes": str(path),
    }


def test_default_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 'primary_domain = "example.test"')
    monkeypatch.chdir(tmp_path)
    assert load(environ={}).config.primary_domain == "example.test"


def test_data_dir_of_the_file_starts_at_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, 'data_dir = "d"'), environ={}).config.data_dir == tmp_path / "d"
    assert load(write(tmp_path, ""), environ={}).config.data_dir == tmp_path / "postroom-data"
    assert load(write(tmp_path, 'data_dir = "/d"'), environ={}).config.data_dir == Path("/d")
    environ = {"POSTROOM_DATA_DIR": "here"}
    assert load(write(tmp_path, 'data_dir = "d"'), environ=environ).config.data_dir == Path("here")


def test_types_from_the_environment() -> None:
    config = load(
        environ={
            "POSTROOM_AUTH__ALIAS_LOGINS": "No",
            "POSTROOM_SENDING__RETRY_MINUTES": "1, 2,3",
            "POSTROOM_HTTP__TRUSTED_PROXIES": "",
            "POSTROOM_HTTP__METRICS_FROM": "10.0.0.0/8,::1",
        }
    ).config
    assert config.auth.alias_logins is False
    assert config.sending.retry_minutes == (1, 2, 3)
    assert config.http.trusted_proxies == ()
    assert [str(network) for network in config.http.metrics_networks] == ["10.0.0.0/8", "::1/128"]


def test_classes_inherit_key_by_key(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [classes.student]
        quota_kb = 1000
        [classes.student.restrictions.security_policy.two_factor_auth_policy]
        status = "mandatory"
        [classes.default]
        page_size = 20
        quota_kb = 5
        [classes.default.restrictions.temporary_aliases]
        max_number_of_aliases = 3
        """,
    )
    environ = {
        "POSTROOM_CLASSES__DEFAULT__MESSAGES": "9",
        "POSTROOM_CLASSES__STUDENT__SESSIONS": "2",
        "POSTROOM_CLASSES__STAFF__LANGUAGE": "de",
    }
    config = load(path, environ=environ).config
    student, default = config.classes["student"], config.classes["default"]
    assert (student.quota_kb, student.page_size, student.messages, student.sessions) == (1000, 20, 9, 2)
    assert (default.quota_kb, default.page_size, default.messages, default.sessions) == (5, 20, 9, 100)
    policy = student.restrictions.security_policy.two_factor_auth_policy
    assert (policy.status, policy.methods) == ("mandatory", ("authApp", "email"))
    assert student.restrictions.temporary_aliases.max_number_of_aliases == 3
    assert config.classes["staff"].language == "de"


def test_defaults_of_a_class() -> None:
    default = load(environ={}).config.classes["default"]
    security = default.restrictions.security_policy
    assert (default.language, default.page_size, default.messages, default.quota_kb) == ("en", 50, 0, 0)
    assert default.sessions == 100
    assert security.two_factor_auth_policy.status == "enabled"
    assert set(security.two_factor_auth_policy.methods) == {"authApp", "email"}
    assert security.security_methods.alternate_email_address is True
    assert security.password_recovery_methods == security.username_recovery_methods == ("email",)
    assert default.restrictions.temporary_aliases.max_number_of_aliases == 10


def test_all_problems_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        primary_domain = 3
        [http]
        listn = "x"
        listen = "nowhere"
        [lmtp]
        max_connections = true
        [htpp]
        [relay]
        port = 70000
        """,
    )
    found = problems_of(path, {"POSTROOM_STORE__URL": "mysql://a:geheim@c/d", "POSTROOM_DATADIR": "x"})
    assert found == (
        "POSTROOM_DATADIR: not an option; did you mean POSTROOM_DATA_DIR?",
        f"primary_domain: must be a string, not 3 ({path})",
        f"http.listn: no such option; did you mean http.listen? ({path})",
        "http.listen: must be an address such as 127.0.0.1:8080, [::1]:8080 or unix:/path, "
        f'not "nowhere" ({path})',
        f"lmtp.max_connections: must be a whole number, not true ({path})",
        f"htpp: no such option; did you mean http? ({path})",
        f"relay.port: must be from 1 to 65535, not 70000 ({path})",
        "store.url: must be sqlite: or postgresql://user:password@host/database, "
        'not "mysql://a:********@c/d" (POSTROOM_STORE__URL)',
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("http = 3", "http: must be a table of options"),
        ("[http.listen]\nx = 1", "http.listen: must be a value, not a table"),
        ("[classes]\ndefault = 1", "classes.default: must be a table of options"),
        ("[classes.Students]", "classes.Students: the name of a class must be made of lower-case letters"),
        ("[classes.default]\nlanguage = 'xx'", "classes.default.language: must be one of ar, bg"),
        ("[classes.default]\npage_size = 0", "classes.default.page_size: must be from 1 to 1000, not 0"),
        (
            "[classes.x]\npagesize = 5",
            "classes.x.pagesize: no such option; did you mean classes.x.page_size?",
        ),
        ("page_size = 3", "page_size: no such option; did you mean classes.default.page_size?"),
        ("[auth]\nsession_idle_seconds = 100000", "auth.session_idle_seconds: must not be longer than"),
        ("[auth]\ncaptcha_after = -1", "auth.captcha_after: must be 0 or more, not -1"),
        ("[lmtp]\nlisten = '127.0.0.1:8080'", "lmtp.listen: must differ from http.listen"),
        ("[relay]\npassword = 5", "relay.password: must be a string, not ********"),
        ("[sending]\nretry_minutes = []", "sending.retry_minutes: must be a list of at least one"),
        ("[sending]\nretry_minutes = [99999]", "sending.retry_minutes: must be a list of at least one"),
        ("[retention]\noperation_days = 40000", "retention.operation_days: must be from 1 to 36500"),
        ("[relay]\nca_file = 'ca.pem'", "relay.ca_file: must be an absolute path"),
        ("[oidc]\nca_file = 'ca.pem'", "oidc.ca_file: must be an absolute path"),
        ("data_dir = ''", 'data_dir: must be a path, not ""'),
        ("[telemetry]\notlp_endpoint = 'http://[::1'", "telemetry.otlp_endpoint: must be a URL such as"),
        ("[telemetry]\notlp_endpoint = 'http://x:99999'", "telemetry.otlp_endpoint: must be a URL such as"),
        ("[sending]\nretry_minutes = [1, '2']", "sending.retry_minutes: must be a list of whole numbers"),
        ("[http]\nmetrics_from = ['10.0.0.1/8']", "http.metrics_from: must be a list of networks"),
        ("[http]\nlisten = 'unix:sock'", "http.listen: must name a socket by its absolute path"),
        (f"[http]\nlisten = 'unix:/{'x' * 107}'", "http.listen: must name a socket by a path of at most 107"),
        ("[blobs]\nurl = 's3://x/y'", "blobs.url: must be disk: or s3://bucket/prefix, not"),
        ("[http", "{path}: not valid TOML"),
    ],
)
def test_a_problem(tmp_path: Path, text: str, problem: str) -> None:
    path = write(tmp_path, text)
    (found,) = problems_of(path)
    assert found.startswith(problem.format(path=path))


def test_urls_of_databases(tmp_path: Path) -> None:
    for url in (
        "postgresql://",
        "postgresql:///mail?host=/run/postgresql",
        "postgres://anna@db/mail",
        "postgresql://anna:p%40ss%2F@[::1]:5432/mail?sslmode=require",
        "postgresql://anna:x@one:5432,two:5433/mail",
    ):
        assert load(write(tmp_path, f"[store]\nurl = '{url}'"), environ={}).config.store.url == url
    for url in ("anna:ge@heim@db/x", "anna:ge/heim@db/x", "anna:ge:heim@[::1/x", "db:heim/x"):
        (found,) = problems_of(write(tmp_path, f"[store]\nurl = 'postgresql://{url}'"))
        assert found.startswith(
            "store.url: must be postgresql://user:password@host:port/database, in user and"
        )
        assert "heim@" not in found


def test_flags_are_checked() -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={}, flags={"http.max_json_bytes": "many", "store": "x", "nothing.at.all": ""})
    assert caught.value.problems == (
        'http.max_json_bytes: must be a whole number, not "many" (--set http.max_json_bytes)',
        "store: must be a table of options (--set store)",
        "nothing.at.all: no such option (--set nothing.at.all)",
    )


def test_variables_of_other_programs_are_ignored() -> None:
    load(environ={"POSTROOM_PORT": "tcp://10.0.0.1:80", "POSTROOM_SERVICE_HOST": "10.0.0.1"})


def test_unreadable_files(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none.toml") == (
        f"{tmp_path}/none.toml: cannot be read: No such file or directory",
    )
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'primary_domain = "b\xfccher.test"')
    assert problems_of(latin) == (f"{latin}: not valid UTF-8 at byte 19",)


def test_dates_may_be_written_as_dates(tmp_path: Path) -> None:
    path = write(tmp_path, "[classes.default.restrictions.password_policy.expiration]\ndate = 2031-01-31")
    policy = load(path, environ={}).config.classes["default"].restrictions.password_policy
    assert policy.expiration.date == "2031-01-31"


PASSWORDS = "classes.default.restrictions.password_policy"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("content_policy = {min_length = 9, max_length = 8}", {"content_policy.min_length"}),
        (
            'content_policy = {min_length = 1, max_length = 2, must_include = "lettersAndNumbersAndSpecial"}',
            {"content_policy.max_length"},
        ),
        ('content_policy = {min_length = 1, max_length = 1, must_include = "lettersAndNumbers"}',
         {"content_policy.max_length"}),
        ("content_policy = {min_length = 0}", {"content_policy.min_length"}),
        ("content_policy = {max_length = 1025}", {"content_policy.max_length"}),
        ("history = {enabled = true, size = 0}", {"history.size"}),
        ("history = {size = 101}", {"history.size"}),
        ("renewal_interval = {enabled = true, interval = 0}", {"renewal_interval.interval"}),
        ("expiration = {enabled = true}", {"expiration.date"}),
        ('expiration = {date = "2030-02-30"}', {"expiration.date"}),
        ('expiration = {date = "20301231"}', {"expiration.date"}),
        ('expiration = {date = "1969-12-31"}', {"expiration.date"}),
        ('expiration = {date = "1970-01-01"}', {"expiration.date"}),
        ("expiration = {warning_interval = -1}", {"expiration.warning_interval"}),
        (
            'expiration = {enabled = true, date = "2030-12-31", warning_interval = 31}\n'
            "renewal_interval = {enabled = true, interval = 30}",
            {"expiration.warning_interval"},
        ),
        ("allow_change_by_user = false\nmust_change_password = true", {"must_change_password"}),
        (
            "allow_change_by_user = false\nrenewal_interval = {enabled = true}\n"
            'expiration = {enabled = true, date = "2030-12-31"}',
            {"renewal_interval.enabled", "expiration.enabled"},
        ),
    ],
)  # fmt: skip
def test_policies_that_contradict_each_other(tmp_path: Path, text: str, problems: set[str]) -> None:
    path = write(tmp_path, f"[{PASSWORDS}]\n{text}")
    found = {problem.partition(": ")[0] for problem in problems_of(path)}
    assert found == {f"{PASSWORDS}.{name}" for name in problems}


def test_a_class_contradicts_what_it_inherits(tmp_path: Path) -> None:
    policy = f"[{PASSWORDS}]\nallow_change_by_user = false\n"
    policy += "[classes.x.restrictions.password_policy]\nrenewal_interval = {enabled = true}"
    (found,) = problems_of(write(tmp_path, policy))
    assert found.startswith("classes.x.restrictions.password_policy.renewal_interval.enabled: must not be on")


@pytest.mark.parametrize(
    "text",
    [
        "history = {size = 100}",
        "allow_change_by_user = false",
        'expiration = {enabled = true, date = "2020-02-29", warning_interval = 0}',
        'content_policy = {min_length = 3, max_length = 3, must_include = "lettersAndNumbersAndSpecial"}',
        "renewal_interval = {interval = 1}\nexpiration = {warning_interval = 7}",
    ],
)
def test_policies_that_are_possible(tmp_path: Path, text: str) -> None:
    load(write(tmp_path, f"[{PASSWORDS}]\n{text}"), environ={})
