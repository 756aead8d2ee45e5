"""Faults of fabric adapters, their ports and cables, and of the switch behind them."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, COUNT, HCA, fault, hca_of
from bringup.mock.hardware import Logical, Physical, SimNode

FRACTION = Param("fraction", "fraction")


@fault("hca-missing", "an adapter is not on the PCI bus", HCA, codes=("HCA-MISSING", "RDMA-CONNECT"))
def _hca_missing(node: SimNode, given: Given) -> None:
    hca_of(node, given).present = False


@fault(
    "firmware-version",
    "an adapter runs another firmware",
    HCA,
    Param("version", "word"),
    codes=("HCA-FIRMWARE",),
)
def _firmware_version(node: SimNode, given: Given) -> None:
    hca_of(node, given).firmware = given.text("version")


@fault(
    "nic-pcie-width",
    "an adapter's PCIe link has fewer lanes",
    HCA,
    Param("width", "word", choices=(1, 2, 4, 8)),
    codes=("PCIE-NIC-WIDTH", "RDMA-BW"),
)
def _nic_pcie_width(node: SimNode, given: Given) -> None:
    hca_of(node, given).pcie_width = given.whole("width")


@fault(
    "nic-pcie-speed",
    "an adapter's PCIe link runs at a lower speed, in GT/s",
    HCA,
    Param("gts", "word", choices=(2.5, 5.0, 8.0, 16.0)),
    codes=("PCIE-NIC-SPEED", "RDMA-BW"),
)
def _nic_pcie_speed(node: SimNode, given: Given) -> None:
    hca_of(node, given).pcie_gts = given.number("gts")


@fault(
    "nic-pcie-errors",
    "PCIe errors at an adapter, counted and logged (correctable ones are harmless)",
    HCA,
    Param("severity", "word", default="nonfatal", choices=("correctable", "nonfatal", "fatal")),
    COUNT,
    codes=("PCIE-AER",),
)
def _nic_pcie_errors(node: SimNode, given: Given) -> None:
    hca, severity = hca_of(node, given), given.text("severity")
    setattr(hca.aer, severity, given.whole("count"))
    for line in kernel_log.aer(hca.bdf, "mlx5_core", severity, f"15b3:{hca.kind.device_id}"):
        node.happened(line)


@fault("port-down", "a port sees no partner", HCA, codes=("LINK-DOWN", "RDMA-CONNECT"))
def _port_down(node: SimNode, given: Given) -> None:
    _down(node, given, Physical.POLLING)
    node.happened(kernel_log.link_down(hca_of(node, given)))


@fault("port-disabled", "a port is switched off", HCA, codes=("LINK-DISABLED", "RDMA-CONNECT"))
def _port_disabled(node: SimNode, given: Given) -> None:
    _down(node, given, Physical.DISABLED)


def _down(node: SimNode, given: Given, physical: Physical) -> None:
    hca = hca_of(node, given)
    hca.logical, hca.physical = Logical.DOWN, physical
    hca.rate_gbps, hca.lanes = 10, 4  # what a port that is down claims


@fault("port-init", "no subnet manager has set up a port", HCA, codes=("LINK-INIT", "RDMA-CONNECT"))
def _port_init(node: SimNode, given: Given) -> None:
    hca_of(node, given).logical = Logical.INIT


@fault(
    "port-rate",
    "a port negotiated a lower rate over all its lanes, in Gb/s",
    HCA,
    Param("rate", "rate"),
    codes=("LINK-RATE", "RDMA-BW"),
)
def _port_rate(node: SimNode, given: Given) -> None:
    hca_of(node, given).rate_gbps = given.whole("rate")


@fault(
    "port-lanes",
    "a port uses fewer lanes",
    HCA,
    Param("lanes", "word", choices=(1, 2)),
    codes=("LINK-RATE", "RDMA-BW"),
)
def _port_lanes(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.rate_gbps = hca.rate_gbps * given.whole("lanes") // hca.lanes
    hca.lanes = given.whole("lanes")


@fault("link-layer", "a port is set to Ethernet", HCA, codes=("LINK-LAYER", "RDMA-CONNECT"))
def _link_layer(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.layer, hca.lid, hca.sm_lid = "Ethernet", 0, 0


@fault(
    "symbol-errors",
    "a port counts symbol errors: so many now, and as many again in every test",
    HCA,
    COUNT,
    codes=("LINK-ERRORS",),
)
def _symbol_errors(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.count("symbol_error", given.whole("count"))
    hca.symbol_errors_under_load = given.whole("count")


@fault("link-flaps", "a port's link went down and came back", HCA, COUNT, AGE, codes=("LINK-ERRORS",))
def _link_flaps(node: SimNode, given: Given) -> None:
    hca, age = hca_of(node, given), given.number("age_s")
    hca.count("link_downed", given.whole("count"))
    hca.count("link_error_recovery", given.whole("count"))
    for _ in range(min(given.whole("count"), 50)):
        node.happened(kernel_log.link_down(hca), age)
        node.happened(kernel_log.link_up(hca), age)


@fault("slow-hca", "an adapter carries only a fraction, and shows nothing", HCA, FRACTION, codes=("RDMA-BW",))
def _slow_hca(node: SimNode, given: Given) -> None:
    hca_of(node, given).fraction *= given.number("fraction")


@fault(
    "slow-latency",
    "an adapter answers later, in microseconds",
    HCA,
    Param("us", "number"),
    codes=("RDMA-LAT",),
)
def _slow_latency(node: SimNode, given: Given) -> None:
    hca_of(node, given).extra_us += given.number("us")


@fault("rdma-refuses", "an adapter connects, but no data comes through", HCA, codes=("RDMA-CONNECT",))
def _rdma_refuses(node: SimNode, given: Given) -> None:
    hca_of(node, given).refuses = True


@fault(
    "slow-leaf",
    "a leaf switch carries only a fraction; give all nodes that are wired to it",
    Param("leaf", "leaf"),
    FRACTION,
    codes=("RDMA-BW",),
)
def _slow_leaf(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        if hca.leaf == given.text("leaf"):
            hca.fraction *= given.number("fraction")
