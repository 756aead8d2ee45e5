"""Programs that discover an InfiniBand subnet: iblinkinfo, ibnetdiscover, ibswitches, ibhosts, sminfo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bringup.mock.hardware import Physical
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call
from bringup.mock.tools.subnet import Device, Link, Subnet
from bringup.mock.tools.subnet_port import PID, asked, options_of, refused

_LANES = {
    "SDR": "2.5 Gbps",
    "DDR": "5.0 Gbps",
    "QDR": "10.0 Gbps",
    "FDR": "14.0625 Gbps",
    "EDR": "25.78125 Gbps",
    "HDR": "53.125 Gbps",
    "NDR": "106.25 Gbps",
    "XDR": "212.5 Gbps",
}
_VENDOR = 0x2C9
_DISCOVER_FAILED = "./libibnetdisc/ibnetdisc.c:802; can't open MAD port ({})\n"

# ------------------------------------------------------------------------------------------------ iblinkinfo


def iblinkinfo(call: Call) -> Reply:
    """Blocks, or with -l lines; -d, -S or -G GUID, --switches-only and --cas-only choose. -R does nothing."""
    options = options_of(call, ("-S", "--switch", "-G", "--port-guid", "-n", "--hops"))
    known = {"-l", "--line", "-R", "-d", "--down", "-a", "--all", "--switches-only", "--cas-only"}
    known |= {"-S", "--switch", "-G", "--port-guid", "-n", "--hops"}
    if reply := refused(call, options, known):
        return reply
    guid = options.get("-S", "--switch", "-G", "--port-guid")
    kinds = (
        {"SW"} if options.has("--switches-only") else {"CA"} if options.has("--cas-only") else {"SW", "CA"}
    )

    def answer(found: Subnet) -> Reply:
        devices = [device for device in found.devices if device.kind in kinds]
        devices = [device for device in devices if not guid or is_device(device, guid)]
        if guid and not devices:
            return Reply(stderr=f"Failed to find port: {guid}\n")
        down, lines = options.has("-d", "--down"), options.has("-l", "--line")
        return Reply(stdout="".join(row for device in devices for row in _block(device, lines, down)))

    def failed(port: str) -> Reply:
        name, _, number = port.rpartition(":")
        return Reply(1, stderr=f"Failed to open {name} port {number}\n")

    return asked(call, options, failed, answer)


def is_device(device: Device, guid: str) -> bool:
    """Whether a GUID as a person writes it is this device's."""
    try:
        return int(guid, 0) == device.guid
    except ValueError:
        return False


def _block(device: Device, lines: bool, down: bool) -> Iterator[str]:
    guid = f"0x{device.guid:016x}"
    headed = lines
    for number in range(1, device.ports + 1):
        link = device.links.get(number)
        if link is not None and down:
            continue
        if not headed:
            headed = True
            yield f"Switch: {guid} {device.name}:\n" if device.is_switch else f"CA: {device.name}:\n"
        head = f'{guid} "{device.name:>30}" ' if lines else "      " if device.is_switch else f"      {guid} "
        yield f"{head}{device.lid:6} {number:4}[  ] =={state(device, number)}==>  {far_end(link, lines)}\n"


def state(device: Device, number: int) -> str:
    """Width, speed and state of a port, as the programs print them in brackets."""
    link = device.links.get(number)
    if link is None:
        physical = "Disabled" if device.hca and device.hca.physical is Physical.DISABLED else "Polling"
        return f"(              {'Down':>6}/{physical:>8})"
    word = "Active" if link.active else "Initialize"
    return f"({f'{link.lanes}X':>3} {_LANES[link.generation]:>18} {word:>6}/{'LinkUp':>8})"


def far_end(link: Link | None, with_guid: bool) -> str:
    """The far end of a link, and what both ends could do better."""
    if link is None:
        return '           [  ] "" ( )'
    width = "Could be 4X" if link.lanes < 4 else ""
    speed = f"Could be {_LANES[link.best]}" if link.generation != link.best else ""
    guid = f"0x{link.far.guid:016x} " if with_guid else ""
    return f'{guid}{link.far.lid:6} {link.far_port:4}[  ] "{link.far.name}" ({width} {speed})'


# --------------------------------------------------------------------------------------------- ibnetdiscover


def ibnetdiscover(call: Call) -> Reply:
    """Blocks, or a port on each line with -p; -l, -H and -S list nodes."""
    options = options_of(call)
    lists = {"-l": {"CA", "SW"}, "-H": {"CA"}, "-S": {"SW"}}
    lists |= {"--list": lists["-l"], "--Hca_list": lists["-H"], "--Switch_list": lists["-S"]}
    if reply := refused(call, options, {"-p", "--ports", *lists}):
        return reply
    listed = set[str]().union(*(kinds for name, kinds in lists.items() if options.has(name)))

    def answer(found: Subnet) -> Reply:
        if options.has("-p", "--ports"):
            return Reply(stdout="".join(row for device in found.devices for row in _ports(device)))
        if listed:
            return Reply(stdout="".join(_listed(d) for d in _in_order(found, "CA", "SW") if d.kind in listed))
        return Reply(stdout=_topology(found))

    return asked(call, options, lambda port: _not_discovered(call.tool, port), answer)


def _not_discovered(tool: str, port: str) -> Reply:
    failure = f"{tool}: iberror: failed: discover failed\n\n"
    return Reply(255, stdout=failure, stderr=_DISCOVER_FAILED.format(port))


def _in_order(found: Subnet, *kinds: str) -> list[Device]:
    return [device for kind in kinds for device in found.devices if device.kind == kind]


def _ports(device: Device) -> Iterator[str]:
    for number in range(device.ports, 0, -1):
        link = device.links.get(number)
        own = f"{device.kind} {device.lid:5} {number:2} 0x{device.guid:016x}"
        if link is None:
            yield f"{own} 4x SDR{'':36}'{device.name}'\n"
            continue
        far = link.far
        yield (
            f"{own} {link.lanes}x {link.generation} - {far.kind} {far.lid:5} {link.far_port:2} 0x{far.guid:016x}"
            f" ( '{device.name}' - '{far.name}' )\n"
        )


def _listed(device: Device) -> str:
    kind = "Switch" if device.is_switch else "Ca"
    ids = f"ports {device.ports} devid 0x{device.device_id:x} vendid 0x{_VENDOR:x}"
    return f'{kind}\t : 0x{device.guid:016x} {ids} "{device.name}"\n'


def _topology(found: Subnet) -> str:
    guid = f"{found.start.guid:016x}"
    parts = [
        f"#\n# Topology file: generated on {time.ctime()}\n#\n# Initiated from node {guid} port {guid}\n"
    ]
    for device in _in_order(found, "SW", "CA"):
        word = "switch" if device.is_switch else "ca"
        own = f"({device.guid:x})" if device.is_switch else ""
        parts.append(
            f"\nvendid=0x{_VENDOR:x}\ndevid=0x{device.device_id:x}\nsysimgguid=0x{device.guid:x}\n"
            f"{word}guid=0x{device.guid:x}{own}\n"
        )
        head = f'"{_code(device)}"\t\t# "{device.name}"'
        port_0 = f" enhanced port 0 lid {device.lid} lmc 0" if device.is_switch else ""
        parts.append(f"{word.capitalize()}\t{device.ports} {head}{port_0}\n")
        parts += [_link_row(device, number, device.links[number]) for number in sorted(device.links)]
    return "".join(parts)


def _code(device: Device) -> str:
    return f"{'S' if device.is_switch else 'H'}-{device.guid:016x}"


def _link_row(device: Device, number: int, link: Link) -> str:
    far = link.far
    own = "" if device.is_switch else f"({device.guid:x}) "
    their = "" if far.is_switch else f"({far.guid:x}) "
    lid = "" if device.is_switch else f"lid {device.lid} lmc 0 "
    speed = f"{link.lanes}x{link.generation}"
    return f'[{number}]{own}\t"{_code(far)}"[{link.far_port}]{their}\t\t# {lid}"{far.name}" lid {far.lid} {speed}\n'


# --------------------------------------------------------------------------------------- ibswitches and others


def ibswitches(call: Call) -> Reply:
    """Every switch on a line."""
    return _nodes(call, "SW", lambda d: f" enhanced port 0 lid {d.lid} lmc 0")


def ibhosts(call: Call) -> Reply:
    """Every adapter on a line."""
    return _nodes(call, "CA", lambda _: "")


def _nodes(call: Call, kind: str, more: Callable[[Device], str]) -> Reply:
    """Scripts around ibnetdiscover: only its own words for a failure reach stdout."""
    options = options_of(call)
    if options.words or refused(call, options, ()):
        return Reply(
            255, stdout=f"Usage: {call.tool} [-h] [<topology-file> | -C ca_name -P ca_port -t timeout_ms]\n"
        )

    def answer(found: Subnet) -> Reply:
        word = "Switch" if kind == "SW" else "Ca"
        rows = [
            f'{word}\t: 0x{device.guid:016x} ports {device.ports} "{device.name}"{more(device)}\n'
            for device in found.devices
            if device.kind == kind
        ]
        return Reply(stdout="".join(rows))

    return asked(call, options, lambda port: _not_discovered("ibnetdiscover", port), answer)


# ---------------------------------------------------------------------------------------------------- sminfo


def sminfo(call: Call) -> Reply:
    """The subnet manager that the local port knows."""
    options = options_of(call)
    if reply := refused(call, options, ()):
        return reply

    def answer(found: Subnet) -> Reply:
        own = found.start.hca
        lid = own.sm_lid if own is not None and own.active else 0
        if not lid or found.manager is None:
            path = f"Lid {lid}" if lid else "DR path slid 0; dlid 0; 0"
            failed = f"ibwarn: [{PID}] mad_rpc: _do_madrpc failed; dport ({path})\n"
            return Reply(255, stdout="sminfo: iberror: failed: query\n", stderr=failed)
        activity = int(time.time() - call.node.boot_time)
        return Reply(
            stdout=f"sminfo: sm lid {found.manager.lid} sm guid 0x{found.manager.guid:x}, activity count {activity}"
            " priority 15 state 3 SMINFO_MASTER\n"
        )

    def failed(port: str) -> Reply:
        name, _, number = port.rpartition(":")
        return Reply(255, stdout=f"sminfo: iberror: failed: Failed to open '{name}' port '{number}'\n")

    return asked(call, options, failed, answer)
