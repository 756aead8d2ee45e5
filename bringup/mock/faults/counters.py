"""Faults that show in the error counters of ports, at once or only under load."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.expected import HANDS_ON, LATER_LOCAL, PORT_AT, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, HCA, Kind, hca_of, in_node
from bringup.mock.hardware import SimNode

_ERRORS = (Expected("LINK-ERRORS", PORT_AT, HANDS_ON),)
_IB = ("infiniband",)


def _many(*examples: int) -> Param:
    return Param("count", "count", examples=examples)


@in_node(
    Kind(
        "symbol-errors",
        "a port counts symbol errors: so many now, and as many again in every test",
        (HCA, _many(500, 5000)),
        _ERRORS,
        needs=_IB,
    )
)
def _symbol_errors(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.count("symbol_error", given.whole("count"))
    hca.symbol_errors_under_load = given.whole("count")


@in_node(
    Kind(
        "link-flaps",
        "a port's link went down and came back so many times",
        (HCA, _many(11, 40), AGE),
        _ERRORS,
        needs=_IB,
    )
)
def _link_flaps(node: SimNode, given: Given) -> None:
    hca, age = hca_of(node, given), given.number("age_s")
    hca.count("link_downed", given.whole("count"))
    hca.count("link_error_recovery", given.whole("count"))
    for _ in range(min(given.whole("count"), 50)):
        node.happened(kernel_log.link_down(hca), age)
        node.happened(kernel_log.link_up(hca), age)


@in_node(
    Kind(
        "link-recoveries",
        "a port had to train its link again, without losing it",
        (HCA, _many(20, 90)),
        _ERRORS,
        needs=_IB,
    )
)
def _link_recoveries(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("link_error_recovery", given.whole("count"))


@in_node(
    Kind("receive-errors", "a port receives damaged packets", (HCA, _many(400, 30_000)), _ERRORS, needs=_IB)
)
def _receive_errors(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("port_rcv_errors", given.whole("count"))


@in_node(
    Kind(
        "transmit-discards",
        "a port throws packets away that it should send",
        (HCA, _many(5_000, 90_000)),
        _ERRORS,
        needs=_IB,
    )
)
def _transmit_discards(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("port_xmit_discards", given.whole("count"))


@in_node(
    Kind(
        "integrity-errors",
        "a port counts errors of its own receiver",
        (HCA, _many(3, 12)),
        _ERRORS,
        closes=LATER_LOCAL,
        needs=_IB,
    )
)
def _integrity_errors(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("local_link_integrity_errors", given.whole("count"))


@in_node(
    Kind(
        "buffer-overruns",
        "a port's partner sends more than its buffers take",
        (HCA, _many(2, 9)),
        _ERRORS,
        closes=LATER_LOCAL,
        needs=_IB,
    )
)
def _buffer_overruns(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("excessive_buffer_overrun_errors", given.whole("count"))


@in_node(
    Kind(
        "remote-errors",
        "a port receives packets that the far end has marked as damaged",
        (HCA, _many(50, 800)),
        _ERRORS,
        closes=LATER_LOCAL,
        needs=_IB,
    )
)
def _remote_errors(node: SimNode, given: Given) -> None:
    hca_of(node, given).count("port_rcv_remote_physical_errors", given.whole("count"))


@in_node(
    Kind(
        "errors-under-load",
        "a port counts symbol errors only while it is used: so many in every test",
        (HCA, _many(100, 3000)),
        _ERRORS,
        closes=LATER_LOCAL,
        needs=_IB,
    )
)
def _errors_under_load(node: SimNode, given: Given) -> None:
    hca_of(node, given).symbol_errors_under_load = given.whole("count")


@in_node(
    Kind(
        "bit-errors",
        "a port's receiver has this bit error rate: packets are lost and sent again, and the more so under load",
        (HCA, Param("rate", "number", examples=(1e-9, 1e-8, 1e-7))),
        (*_ERRORS, Expected("LINK-BER", PORT_AT, HANDS_ON), Expected("RDMA-BW", PORT_AT, HANDS_ON)),
        ("RDMA-BW",),
        closes=LATER_LOCAL,
    )
)
def _bit_errors(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.bit_error_rate = hca.optic.raw_ber = given.number("rate")


@in_node(
    Kind(
        "retransmits",
        "an adapter sends packets again and again: so many in every test",
        (HCA, _many(2_000, 50_000)),
        (Expected("RDMA-RETRANSMITS", PORT_AT, HANDS_ON),),
        closes=LATER_LOCAL,
    )
)
def _retransmits(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.hw_counters["packet_seq_err"] += given.whole("count")
    hca.hw_counters["local_ack_timeout_err"] += given.whole("count") // 50
