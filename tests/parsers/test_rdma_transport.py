"""hw_counters: what a driver has, what it has not, and answers that are cut off. The texts are invented."""

from __future__ import annotations

import pytest

from bringup.errors import ParseError
from bringup.parsers.rdma_transport import parse

BASE = "/sys/class/infiniband"


def test_counters_by_device() -> None:
    text = (
        f"{BASE}/mlx5_0/ports/1/hw_counters/packet_seq_err:3\n{BASE}/mlx5_bond_0/ports/1/hw_counters/packet_seq_err:0\n"
        f"/host{BASE}/mlx5_0/ports/1/hw_counters/out_of_sequence:18446744073709551615\nend:counters\n"
    )
    assert parse(text) == {
        "mlx5_0": {"packet_seq_err": 3, "out_of_sequence": 2**64 - 1},
        "mlx5_bond_0": {"packet_seq_err": 0},
    }


def test_no_devices_and_no_counters() -> None:
    assert parse("no RDMA devices: /sys/class/infiniband is empty or absent\n") == {}
    assert parse("end:counters\n") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{BASE}/mlx5_0/ports/1/hw_counters/packet_seq_err:3\n",
        f"{BASE}/mlx5_0/ports/1/hw_counters/packet_seq_err:x\nend:counters\n",
        f"{BASE}/mlx5_0/ports/1/hw_counters/packet_seq_err:-3\nend:counters\n",
        "grep: permission denied\nend:counters\n",
    ],
)
def test_what_is_cut_off_or_unknown_is_no_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
