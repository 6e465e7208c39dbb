"""The socket of the HTTP server."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.app.serve import open_listener
from postroom.errors import PostroomError


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for unix sockets."""
    made = Path(tempfile.mkdtemp(prefix="listener-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


def test_a_unix_socket_is_not_taken_from_a_server_that_runs(folder: Path) -> None:
    path = folder / "http"
    with open_listener(f"unix:{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        inode = path.stat().st_ino
        with pytest.raises(PostroomError, match=f"cannot listen on unix:{path}") as caught:
            open_listener(f"unix:{path}")
        assert caught.value.code == "addressInUse"
        assert path.stat().st_ino == inode
    # What a server has left behind is replaced; a file that is no socket stays.
    open_listener(f"unix:{path}").close()
    path.unlink()
    path.write_text("a diary")
    with pytest.raises(PostroomError):
        open_listener(f"unix:{path}")
    assert path.read_text() == "a diary"
