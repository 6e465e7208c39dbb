"""Two servers over one store: what one changes about logins counts in the other at once."""

import json
import time
from pathlib import Path

import httpx
from tests.api.world import basic

from postroom.bench.server import ServerProcess, add_account, find_free_port, run_postroom

ADDRESS, OLD, NEW = "anna@example.test", "correct horse", "battery staple"
COUNTERS, FOLDERS = "/api/v1/mails/counters", "/api/v1/folders"
AT_ONCE_SECONDS = 1.0


def write_config(folder: Path, store_url: str, number: int) -> tuple[Path, str]:
    """Return the configuration of one of the servers, and where it listens."""
    listen = f"127.0.0.1:{find_free_port()}"
    path = folder / f"server{number}.toml"
    path.write_text(
        f"data_dir = {json.dumps(str(folder / 'data'))}\n[store]\nurl = {json.dumps(store_url)}\n"
        f'[http]\nlisten = "{listen}"\n[lmtp]\nlisten = ""\n[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n'
    )
    return path, listen


def wait_until_refused(client: httpx.Client, path: str) -> float:
    """Return how long a client is still let in (seconds)."""
    started = time.monotonic()
    while client.get(path).status_code != 401:
        assert time.monotonic() - started < AT_ONCE_SECONDS
    return time.monotonic() - started


def test_a_changed_password_is_refused_everywhere(tmp_path: Path, store_url: str) -> None:
    (here_path, here), (there_path, there) = (write_config(tmp_path, store_url, one) for one in (1, 2))
    run_postroom("domain", "add", "example.test", config_path=here_path)
    add_account(ADDRESS, OLD, config_path=here_path)
    with (
        ServerProcess(here_path, listen=here, log_path=tmp_path / "log1"),
        ServerProcess(there_path, listen=there, log_path=tmp_path / "log2"),
        httpx.Client(base_url=f"http://{here}", headers={"Authorization": basic(ADDRESS, OLD)}) as client,
        httpx.Client(base_url=f"http://{there}", headers={"Authorization": basic(ADDRESS, OLD)}) as other,
    ):
        session = {"X-Axigen-Session": other.post("/api/v1/login").json()["sessid"]}
        # The other server remembers the check and the session, and answers out of its memory.
        for path in (COUNTERS, FOLDERS):
            assert other.get(path).status_code == 200
            assert other.get(path, headers=session).status_code == 200
        changed = client.post("/api/v1/account/password/reset", json={"oldPassword": OLD, "newPassword": NEW})
        assert changed.status_code == 200, changed.text
        for path in (COUNTERS, FOLDERS):
            wait_until_refused(other, path)
        assert other.get(FOLDERS, headers=session).status_code == 401
        later = {"Authorization": basic(ADDRESS, NEW)}
        assert other.get(FOLDERS, headers=later).status_code == 200
        assert other.get(FOLDERS, headers={**later, **session}).status_code == 401
        # So it is with what the operator does.
        run_postroom("account", "disable", ADDRESS, config_path=here_path)
        started = time.monotonic()
        for one, path in ((client, FOLDERS), (other, COUNTERS)):
            assert one.get(path, headers=later).status_code == 401
        assert time.monotonic() - started < AT_ONCE_SECONDS
    events = json.loads(run_postroom("account", "audit", ADDRESS, "--json", config_path=there_path))
    assert [one["kind"] for one in events] == ["accountDisabled", "sessionsEnded", "passwordChanged"]
