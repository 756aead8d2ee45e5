"""The module of a port whoever tells of it: `mlxlink -m`, or `ethtool -m` where mlxlink is not installed.

Copper has neither light nor temperature, which is not darkness. `None` means that the module does not report it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Ended, Output
from bringup.errors import CannotJudge
from bringup.parsers import ethtool_module, mlxlink, per_interface
from bringup.parsers.ethtool_module import DARK_DBM
from bringup.parsers.mlxlink import Reading

__all__ = ["DARK_DBM", "Optic", "from_ethtool", "from_mlxlink", "missing"]


@dataclass(frozen=True, slots=True)
class Optic:
    """One module with its readings, each with the range that the module itself allows."""

    copper: bool
    vendor: str | None
    part: str | None
    serial: str | None
    temperature_c: Reading | None
    voltage_v: Reading | None
    bias_ma: Reading | None
    rx_dbm: Reading | None
    tx_dbm: Reading | None


def missing(answers: Sequence[Output]) -> bool:
    """Whether the program of these answers is not installed."""
    return bool(answers) and all(answer.ended is Ended.MISSING for answer in answers)


def from_mlxlink(link: mlxlink.Link) -> Optic | None:
    """The module of a port; None where the port says that it has none."""
    own = link.module
    if own is None or (own.identifier is None and own.cable is None):
        return None
    voltage = own.voltage_mv
    return Optic(
        copper="copper" in (own.cable or "").lower(),
        vendor=own.vendor,
        part=own.part,
        serial=own.serial,
        temperature_c=own.temperature_c,
        voltage_v=Reading(
            tuple(v if v is None else v / 1000 for v in voltage.lanes),
            None if voltage.low is None else voltage.low / 1000,
            None if voltage.high is None else voltage.high / 1000,
        )
        if voltage
        else None,
        bias_ma=own.bias_ma,
        rx_dbm=own.rx_dbm,
        tx_dbm=own.tx_dbm,
    )


def from_ethtool(text: str, hca: str) -> Optic | None:
    """The module of one device from MODULE of `per_interface`; None where it says that there is none to read."""
    mine = [answer for answer in per_interface.parse(text) if answer.device == hca]
    if not mine:
        raise CannotJudge(f"{hca} has no network interface, so ethtool knows nothing of its module")
    if mine[0].status != 0:
        said = mine[0].text.strip()[:120]
        if "permitted" in said.lower() or "permission" in said.lower():
            raise CannotJudge(f"the module of {hca} may only be read by root: {said}")
        return None
    own = ethtool_module.parse(mine[0].text)
    limits = own.thresholds
    copper = "copper" in " ".join((own.connector or "", *own.types)).lower()
    return Optic(
        copper=copper,
        vendor=own.vendor,
        part=own.part,
        serial=own.serial,
        temperature_c=_one(own.temperature_c, limits, "Module temperature"),
        voltage_v=_one(own.voltage_v, limits, "Module voltage"),
        bias_ma=_lanes(own.bias_ma, limits, "Laser bias current", "Laser tx bias current"),
        rx_dbm=_lanes(own.rx_dbm, limits, "Laser rx power", "Rcvr signal avg optical power"),
        tx_dbm=_lanes(own.tx_dbm, limits, "Laser output power", "Laser tx power"),
    )


def _one(value: float | None, limits: Mapping[str, float], name: str) -> Reading | None:
    return None if value is None else _lanes((value,), limits, name)


def _lanes(values: tuple[float, ...], limits: Mapping[str, float], *names: str) -> Reading | None:
    if not values:
        return None
    low = next((limits[key] for n in names if (key := f"{n} low alarm") in limits), None)
    high = next((limits[key] for n in names if (key := f"{n} high alarm") in limits), None)
    return Reading(tuple(values), low, high)
