"""Faults that show in the error counters of ports, at once or only under load."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.expected import HANDS_ON, PORT_AT, Expected
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


def _counted(
    kind: str, does: str, counter: str, examples: tuple[int, int], *, now: bool, under_load: bool
) -> None:
    """A kind of fault that is nothing but a counter: it shows so many now, or so many more in every test, or both."""

    @in_node(Kind(kind, does, (HCA, _many(*examples)), _ERRORS, needs=_IB))
    def change(node: SimNode, given: Given) -> None:
        hca, count = hca_of(node, given), given.whole("count")
        if now:
            hca.count(counter, count)
        if under_load:
            hca.counts_under_load[counter] = count


_counted(
    "link-recoveries",
    "a port had to train its link again, without losing it",
    "link_error_recovery",
    (20, 90),
    now=True,
    under_load=False,
)
_counted(
    "receive-errors",
    "a port receives damaged packets",
    "port_rcv_errors",
    (400, 30_000),
    now=True,
    under_load=False,
)
_counted(
    "transmit-discards",
    "a port throws packets away that it should send",
    "port_xmit_discards",
    (5_000, 90_000),
    now=True,
    under_load=False,
)
_counted(
    "integrity-errors",
    "a port counts errors of its own receiver: so many now, and as many again in every test",
    "local_link_integrity_errors",
    (3, 8),
    now=True,
    under_load=True,
)
_counted(
    "buffer-overruns",
    "a port's partner sends more than its buffers take: so often in every test",
    "excessive_buffer_overrun_errors",
    (2, 9),
    now=False,
    under_load=True,
)
_counted(
    "remote-errors",
    "a port receives packets that the far end has marked as damaged: so many in every test",
    "port_rcv_remote_physical_errors",
    (50, 800),
    now=False,
    under_load=True,
)


@in_node(
    Kind(
        "errors-under-load",
        "a port counts symbol errors only while it is used: so many in every test",
        (HCA, _many(100, 3000)),
        _ERRORS,
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
    )
)
def _retransmits(node: SimNode, given: Given) -> None:
    again = hca_of(node, given).transport_under_load
    again["packet_seq_err"], again["local_ack_timeout_err"] = given.whole("count"), given.whole("count") // 50
