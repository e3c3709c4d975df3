import socket

import pytest

from local.errors import StartError
from local.state import State, held_by_us, holder, make_data_dir


def test_secrets_and_ports_are_the_same_at_the_next_start(tmp_path):
    path = tmp_path / "state.json"
    first = State(path)
    made = (first.secret("a"), first.ports(["x", "y"]))
    second = State(path)
    assert (second.secret("a"), second.ports(["x", "y"])) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_port_that_somebody_took_meanwhile_is_replaced(tmp_path):
    state = State(tmp_path / "state.json")
    port = state.ports(["x"])["x"]
    with socket.create_server(("127.0.0.1", port)):
        assert state.ports(["x"])["x"] != port


def test_one_folder_runs_once(tmp_path):
    make_data_dir(tmp_path)
    with held_by_us(tmp_path):
        assert holder(tmp_path) is not None
        with pytest.raises(StartError, match="runs already"), held_by_us(tmp_path):
            pass
    assert holder(tmp_path) is None
