"""The line that decided: real output of the corpus with what bringup says of it, and outputs where none stands out."""

from __future__ import annotations

import pytest

from bringup.report.deciding import deciding_line

XID = "[  812.4] NVRM: Xid (PCI:0000:9b:00): 79, pid=1234, GPU has fallen off the bus."
KERNEL = ["[    0.1] Linux version 6.8.0", "[  800.0] eth0: link up", XID, "[  900.0] usb 1-1: new device"]
TABLE = [
    " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]",
    " 65536      5000             0.00               187.42               0.357458",
]

RATES = [
    f"/sys/class/infiniband/mlx5_{k}/ports/1/rate:{400 - 200 * (k == 4)} Gb/sec (4X NDR)"
    for k in (0, 3, 4, 5)
]


@pytest.mark.parametrize(
    ("lines", "said", "line"),
    [
        (KERNEL, "Xid 79 at 09:33:12: GPU has fallen off the bus", 2),
        (TABLE, "write_bw 187.42 Gb/s, needs at least 370 Gb/s", 1),
        (["Attached GPUs : 7", "Driver Version : 580.95"], "count 7 GPUs, needs 8 GPUs", 0),
        (TABLE, "write bw 187.4 Gb/s, needs at least 370 Gb/s", 1),
        (RATES, "mlx5_4 port 1 rate 200 Gb/s, needs 400 Gb/s", 2),
        (KERNEL, "the node did not answer", None),
        (KERNEL, "", None),
        ([], "Xid 79", None),
    ],
)
def test_the_line_that_decided(lines: list[str], said: str, line: int | None) -> None:
    assert deciding_line(lines, said) == line


def test_of_several_the_one_with_the_rarest_words() -> None:
    lines = [f"port {k} state ACTIVE rate 400" for k in range(8)]
    lines[5] = "port 5 state DOWN rate 10"
    assert deciding_line(lines, "port 5: state DOWN, needs ACTIVE") == 5


def test_a_long_output_is_not_searched_for_ever() -> None:
    lines = ["nothing"] * 60_000
    lines[59_999] = "Xid 79 fallen"
    assert deciding_line(lines, "Xid 79 fallen") is None
