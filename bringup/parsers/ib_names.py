"""What the names of switches and adapters in an InfiniBand fabric mean.

A managed switch calls itself `MF0;leaf-01:MQM9700/U1`: host name, model, and which chip of it. A host's adapter is
called after host and device only where the host has set that; else it has the name of its model, which tells nothing.
"""

from __future__ import annotations

import re

_MANAGED = re.compile(
    r"MF0;(?P<host>[^:;]{1,80}):(?P<model>[^/]{1,40})(?:/(?P<board>[LS][0-9]{1,3}))?/U(?P<chip>[0-9]{1,2})"
)
_DEVICE = re.compile(
    r"(?P<host>[A-Za-z0-9][\w.-]{0,80}) (?P<device>[a-z]{2,10}\w{0,20}|HCA-[0-9]{1,3})", re.ASCII
)
_AGGREGATION = re.compile(r".* Aggregation Node")


def switch_name(description: str) -> str:
    """The name of a switch as a plan has it; boards and chips of one big switch stay apart."""
    match = _MANAGED.fullmatch(description.strip())
    if match is None:
        return description.strip()
    if match["board"]:
        return f"{match['host']}/{match['board']}"
    return match["host"] if match["chip"] == "1" else f"{match['host']}/U{match['chip']}"


def host_and_device(description: str) -> tuple[str, str] | None:
    """`gpu-001 mlx5_0` in two; None for a name that was never set."""
    match = _DEVICE.fullmatch(description.strip())
    return (match["host"], match["device"]) if match else None


def is_aggregation_node(description: str) -> bool:
    """Whether an adapter is the part of a switch that sums up for collectives, and no host."""
    return _AGGREGATION.fullmatch(description.strip()) is not None
