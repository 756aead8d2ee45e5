"""How long a login takes is known to the connection only; a try that failed does not count."""

from __future__ import annotations

from contextlib import closing

from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock import serve
from bringup.model import Node
from bringup.transport import Options, connect

NODES = tuple(Node(f"gpu-{n:03}", profile="hgx-h100") for n in (1, 2, 3))
FAULTS = (
    FaultSpec("slow-login", ("gpu-002",), Params({"delay_s": 1.5})),
    FaultSpec("throttled-login", ("gpu-003",), Params({"connections": 1})),
)


def test_the_login_is_timed() -> None:
    with serve(Simulate("hgx-h100", faults=FAULTS), NODES) as served:
        options = Options(known_hosts=served.known_hosts)
        seconds = []
        for node in served.nodes:
            with closing(connect(node, options)) as connection:
                assert connection.login_s is not None
                seconds.append(connection.login_s)
        usual, slow, again = seconds
    assert usual > 0.0
    assert slow >= 1.5
    assert again < slow


def test_nobody_logs_in_to_this_machine() -> None:
    with closing(connect(Node("here", connection="local"), Options())) as connection:
        assert connection.login_s is None
