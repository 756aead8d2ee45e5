"""Faults of fabric adapters and their ports, slots and modules."""

from __future__ import annotations

from dataclasses import replace

from bringup.mock import kernel_log
from bringup.mock.faults.expected import (
    CONFIGURATION,
    HANDS_ON,
    HCA_AT,
    PORT_AT,
    SOFTWARE,
    Expected,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import FRACTION, HCA, Kind, hca_of, in_node
from bringup.mock.hardware import Hca, Logical, Physical, SimNode


def _at_port(code: str) -> tuple[Expected, ...]:
    return (Expected(code, PORT_AT, HANDS_ON),)


def _at_hca(code: str) -> tuple[Expected, ...]:
    return (Expected(code, HCA_AT, HANDS_ON),)


def take_down(hca: Hca, physical: Physical) -> None:
    """The port as it is when it has no link."""
    hca.logical, hca.physical = Logical.DOWN, physical
    hca.rate_gbps, hca.lanes = 10, 4  # what a port that is down claims


@in_node(
    Kind("hca-missing", "an adapter is not on the PCI bus", (HCA,), _at_hca("HCA-MISSING"), ("RDMA-CONNECT",))
)
def _hca_missing(node: SimNode, given: Given) -> None:
    hca_of(node, given).present = False


@in_node(
    Kind(
        "firmware-version",
        "an adapter runs another firmware",
        (HCA, Param("version", "word", examples=("28.36.1010", "28.39.2048"))),
        (Expected("HCA-FIRMWARE", HCA_AT, SOFTWARE),),
    )
)
def _firmware_version(node: SimNode, given: Given) -> None:
    hca_of(node, given).firmware = given.text("version")


@in_node(
    Kind(
        "board-id",
        "an adapter of another make, told by its board id",
        (HCA, Param("psid", "word", examples=("DEL0000000013",))),
        (Expected("HCA-BOARD", HCA_AT, HANDS_ON),),
    )
)
def _board_id(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.kind = replace(hca.kind, board_id=given.text("psid"))


# --------------------------------------------------------------------------------------------------- links


@in_node(Kind("port-down", "a port sees no partner", (HCA,), _at_port("LINK-DOWN"), ("RDMA-CONNECT",)))
def _port_down(node: SimNode, given: Given) -> None:
    take_down(hca_of(node, given), Physical.POLLING)
    node.happened(kernel_log.link_down(hca_of(node, given)))


@in_node(
    Kind(
        "port-disabled",
        "a port is switched off",
        (HCA,),
        (Expected("LINK-DISABLED", PORT_AT, CONFIGURATION),),
        ("RDMA-CONNECT",),
    )
)
def _port_disabled(node: SimNode, given: Given) -> None:
    take_down(hca_of(node, given), Physical.DISABLED)


@in_node(
    Kind(
        "port-init",
        "no subnet manager has set up a port",
        (HCA,),
        (Expected("LINK-INIT", PORT_AT, SOFTWARE),),
        ("RDMA-CONNECT",),
        needs=("infiniband",),
    )
)
def _port_init(node: SimNode, given: Given) -> None:
    hca_of(node, given).logical = Logical.INIT


@in_node(
    Kind(
        "port-rate",
        "a port negotiated a lower rate over all its lanes, in Gb/s",
        (HCA, Param("rate", "rate")),
        _at_port("LINK-RATE"),
        ("RDMA-BW",),
    )
)
def _port_rate(node: SimNode, given: Given) -> None:
    hca_of(node, given).rate_gbps = given.whole("rate")


@in_node(
    Kind(
        "port-lanes",
        "a port uses fewer lanes",
        (HCA, Param("lanes", "word", choices=(1, 2))),
        _at_port("LINK-RATE"),
        ("RDMA-BW",),
        needs=("infiniband",),
    )
)
def _port_lanes(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.rate_gbps = hca.rate_gbps * given.whole("lanes") // hca.lanes
    hca.lanes = given.whole("lanes")


@in_node(
    Kind(
        "link-layer",
        "a port is set to Ethernet",
        (HCA,),
        (Expected("LINK-LAYER", PORT_AT, CONFIGURATION),),
        ("RDMA-CONNECT",),
        needs=("infiniband",),
    )
)
def _link_layer(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.layer, hca.lid, hca.sm_lid = "Ethernet", 0, 0


@in_node(
    Kind(
        "mtu",
        "a port sends smaller packets than the others",
        (HCA, Param("mtu", "count", examples=(1500,))),
        (Expected("LINK-MTU", PORT_AT, CONFIGURATION),),
        needs=("roce",),
    )
)
def _mtu(node: SimNode, given: Given) -> None:
    hca_of(node, given).mtu = given.whole("mtu")


@in_node(
    Kind(
        "flow-control-off",
        "a RoCE port does not pause for the priority that carries the data",
        (HCA,),
        (Expected("ROCE-QOS", PORT_AT, CONFIGURATION),),
        needs=("roce",),
    )
)
def _flow_control_off(node: SimNode, given: Given) -> None:
    hca_of(node, given).pfc = ()


@in_node(
    Kind(
        "no-address",
        "a RoCE port has no IPv4 address, and so no GID for RoCE v2",
        (HCA,),
        (Expected("ROCE-GID", PORT_AT, CONFIGURATION),),
        needs=("roce",),
    )
)
def _no_address(node: SimNode, given: Given) -> None:
    hca_of(node, given).ipv4 = ""


# --------------------------------------------------------------------------------------------- behaviour


@in_node(
    Kind(
        "slow-hca",
        "an adapter carries only a fraction, and shows nothing",
        (HCA, FRACTION),
        _at_port("RDMA-BW"),
    )
)
def _slow_hca(node: SimNode, given: Given) -> None:
    hca_of(node, given).fraction *= given.number("fraction")


@in_node(
    Kind(
        "slow-one-way",
        "a port carries only a fraction of what it should send, or of what it should receive",
        (HCA, Param("way", "word", choices=("tx", "rx")), FRACTION),
        _at_port("RDMA-BW"),
    )
)
def _slow_one_way(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    if given.text("way") == "tx":
        hca.tx_fraction *= given.number("fraction")
    else:
        hca.rx_fraction *= given.number("fraction")


@in_node(
    Kind(
        "slow-latency",
        "an adapter answers later, in microseconds",
        (HCA, Param("us", "number", examples=(6, 9, 20))),
        _at_port("RDMA-LAT"),
    )
)
def _slow_latency(node: SimNode, given: Given) -> None:
    hca_of(node, given).extra_us += given.number("us")


@in_node(
    Kind(
        "rdma-refuses",
        "an adapter connects, but no data comes through",
        (HCA,),
        _at_port("RDMA-CONNECT"),
    )
)
def _rdma_refuses(node: SimNode, given: Given) -> None:
    hca_of(node, given).refuses = True


# ------------------------------------------------------------------------------------------------- modules


@in_node(
    Kind(
        "module-hot",
        "the module at a port is too hot, in degrees Celsius",
        (HCA, Param("celsius", "number", examples=(76, 82))),
        _at_port("OPTIC-TEMPERATURE"),
    )
)
def _module_hot(node: SimNode, given: Given) -> None:
    hca_of(node, given).optic.temperature_c = given.number("celsius")


@in_node(
    Kind(
        "module-dim",
        "too little light arrives at a port, in dBm",
        (HCA, Param("dbm", "number", examples=(-9.5, -12.0))),
        _at_port("OPTIC-POWER"),
    )
)
def _module_dim(node: SimNode, given: Given) -> None:
    hca_of(node, given).optic.rx_dbm = given.number("dbm")


@in_node(
    Kind(
        "module-foreign",
        "a module of a make and part number that nobody else has",
        (HCA,),
        _at_port("OPTIC-PART"),
    )
)
def _module_foreign(node: SimNode, given: Given) -> None:
    optic = hca_of(node, given).optic
    optic.vendor, optic.part = "OEM", "OSFP-400G-SR4"
