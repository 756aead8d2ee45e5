"""ibqueryerrors: the error counters of every port of the subnet, on both ends of every link.

A host's port counts what its own counters say. At the far end of it the switch has seen the same link go down and
train again. Both ends of a bad uplink count symbol errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call
from bringup.mock.tools.subnet import Device, Subnet, trained_gbps
from bringup.mock.tools.subnet_port import PID, asked, options_of, refused
from bringup.mock.tools.subnet_tools import far_end, is_device, state

# The tool's words in its order, by the kernel's names of the same counters.
_WORDS = {
    "symbol_error": "SymbolErrorCounter",
    "link_error_recovery": "LinkErrorRecoveryCounter",
    "link_downed": "LinkDownedCounter",
    "port_rcv_errors": "PortRcvErrors",
    "port_rcv_remote_physical_errors": "PortRcvRemotePhysicalErrors",
    "port_rcv_switch_relay_errors": "PortRcvSwitchRelayErrors",
    "port_xmit_discards": "PortXmitDiscards",
    "port_xmit_constraint_errors": "PortXmitConstraintErrors",
    "port_rcv_constraint_errors": "PortRcvConstraintErrors",
    "local_link_integrity_errors": "LocalLinkIntegrityErrors",
    "excessive_buffer_overrun_errors": "ExcessiveBufferOverrunErrors",
    "VL15_dropped": "VL15Dropped",
    "port_xmit_wait": "PortXmitWait",
}
_SEEN_BY_BOTH = ("link_error_recovery", "link_downed")
_UPLINK_ERRORS = 1_000_000
"""What a link counts that loses everything; one that loses a part counts a part."""


def ibqueryerrors(call: Call) -> Reply:
    """Ports with errors; -s leaves counters out, -c those of routing, -r adds the link, --switch and --ca choose."""
    options = options_of(call, ("-G", "--port-guid", "-S", "--suppress"))
    known = {"-s", "--suppress", "-c", "--suppress-common", "-r", "--report-port", "--details", "--skip-sl"}
    known |= {"--switch", "--ca", "-G", "--port-guid", "-S", "-R"}
    if options.has("-k", "--clear-errors", "-K", "--clear-counts"):
        return Reply(1, stderr="This fabric is simulated: its counters cannot be cleared\n")
    if reply := refused(call, options, known):
        return reply
    suppressed = [word for word in options.get("-s", "--suppress").split(",") if word in _WORDS.values()]
    suppressed += ["PortRcvSwitchRelayErrors"] if options.has("-c", "--suppress-common") else []
    chosen = {"SW": options.has("--switch"), "CA": options.has("--ca")}
    kinds = {kind for kind, wanted in chosen.items() if wanted} or set(chosen)
    guid = options.get("-G", "--port-guid", "-S")

    def answer(found: Subnet) -> Reply:
        own = found.start.hca
        if own is None or not own.active or not own.sm_lid:
            return Reply(stderr=f"ibwarn: [{PID}] sa_get_handle: No SM/SA found on port (null):0\n")
        report = _Report(suppressed, links=options.has("-r", "--report-port"))
        devices = [device for device in found.devices if device.kind in kinds]
        if guid:
            devices = [device for device in devices if is_device(device, guid)]
        text = "".join(row for device in devices for row in report.rows(device))
        missing = f"Failed to find node: {guid}\n" if guid and not devices else ""
        return Reply(int(report.bad_ports > 0), text + report.summary(), missing)

    def failed(port: str) -> Reply:
        return Reply(255, stdout=f"ibqueryerrors: iberror: failed: Failed to open port; {port}\n\n")

    return asked(call, options, failed, answer)


@dataclass(slots=True)
class _Report:
    """What has been looked at, and what is left out."""

    suppressed: Collection[str]
    links: bool
    nodes: int = 0
    bad_nodes: int = 0
    ports: int = 0
    bad_ports: int = 0

    def rows(self, device: Device) -> Iterator[str]:
        """The block of one device; nothing where all is well."""
        found = {number: self._shown(counted(device, number)) for number in range(1, device.ports + 1)}
        bad = {number: counters for number, counters in found.items() if counters}
        self.nodes += 1
        self.ports += device.ports + (1 if bad and device.is_switch else 0)  # port 0 is only asked then
        if not bad:
            return
        self.bad_nodes += 1
        self.bad_ports += len(bad)
        yield (
            f'Errors for 0x{device.guid:x} "{device.name}"\n'
            if device.is_switch
            else f'Errors for "{device.name}"\n'
        )
        if device.is_switch:
            total = {word: sum(c.get(word, 0) for c in bad.values()) for word in _WORDS.values()}
            yield f"   GUID 0x{device.guid:x} port ALL:{_cells(self._shown(total))}\n"
        for number, counters in bad.items():
            yield f"   GUID 0x{device.guid:x} port {number}:{_cells(counters)}\n"
            if self.links:
                far = far_end(device.links.get(number), with_guid=True)
                yield f"       Link info: {device.lid:6}{number:4}[  ] =={state(device, number)}==>  {far}\n"

    def _shown(self, counters: Mapping[str, int]) -> dict[str, int]:
        return {word: count for word, count in counters.items() if count and word not in self.suppressed}

    def summary(self) -> str:
        """The last lines."""
        left_out = "".join(f" {word}" for word in self.suppressed)
        return (
            f"\n## Summary: {self.nodes} nodes checked, {self.bad_nodes} bad nodes found\n"
            f"##          {self.ports} ports checked, {self.bad_ports} ports have errors beyond threshold\n"
            f"## Thresholds: \n## Suppressed:{left_out}\n"
        )


def counted(device: Device, number: int) -> dict[str, int]:
    """What a port has counted, by the tool's words."""
    counts: dict[str, int] = {}
    if device.hca is not None:
        counts = device.hca.counters
    elif plug := device.plugs.get(number):
        counts = {name: plug.hca.counters[name] for name in _SEEN_BY_BOTH}
        fraction = device.leaf.fraction if device.leaf else 1.0
        counts["port_xmit_wait"] = int(plug.hca.counters["port_rcv_packets"] * (0.25 + 50 * (1 - fraction)))
    elif cable := device.uplinks.get(number):
        lost = 1 - cable.carries_gbps / max(trained_gbps(cable), cable.carries_gbps)
        counts["symbol_error"] = int(lost * _UPLINK_ERRORS)
    return {word: counts.get(name, 0) for name, word in _WORDS.items()}


def _cells(counters: Mapping[str, int]) -> str:
    return "".join(f" [{word} == {count} ({_short(count)})]" for word, count in counters.items())


def _short(count: int) -> str:
    """The same number in thousands of 1024."""
    value, units = float(count), ["", "K", "M", "G", "T", "P", "E"]
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:5.3f}{units[0]}"
