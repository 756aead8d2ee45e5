"""Programs that show RDMA devices and ports: ibstat, ibstatus, ibv_devinfo, ibv_devices, ibdev2netdev, rdma link."""

from __future__ import annotations

import json

from bringup.mock.hardware import Hca, Logical, Physical
from bringup.mock.switchboard import Reply
from bringup.mock.sysfs import rate_text
from bringup.mock.tools.call import Call, Options

_STATES = {Logical.DOWN: ("Down", "PORT_DOWN (1)"), Logical.INIT: ("Initializing", "PORT_INIT (2)")}
_STATES[Logical.ACTIVE] = ("Active", "PORT_ACTIVE (4)")
_PHYSICAL = {
    Physical.POLLING: ("Polling", "POLLING (2)", "POLLING"),
    Physical.DISABLED: ("Disabled", "DISABLED (3)", "DISABLED"),
    Physical.LINK_UP: ("LinkUp", "LINK_UP (5)", "LINK_UP"),
}
_LANE_SPEEDS = {10: "2.5 Gbps (1)", 40: "10.0 Gbps (4)", 100: "25.0 Gbps (32)", 200: "50.0 Gbps (64)"}
_LANE_SPEEDS |= {400: "100.0 Gbps (128)", 800: "200.0 Gbps (256)"}


def ibstat(call: Call) -> Reply:
    """All adapters, or the one that is named; `-s` leaves the ports out, `-l` lists names."""
    options = Options(call.args, ())
    hcas = _chosen(call, options)
    if options.words and not hcas:
        return Reply(
            255,
            stderr=f"ibpanic: [48213] main: '{options.words[0]}' IB device can't be found: No such file or directory\n",
        )
    if options.has("-l", "--list_of_cas"):
        return Reply(stdout="".join(f"{h.name}\n" for h in hcas))
    return Reply(stdout="".join(_ibstat(h, ports=not options.has("-s", "--short")) for h in hcas))


def _chosen(call: Call, options: Options) -> list[Hca]:
    return [h for h in _present(call) if not options.words or h.name == options.words[0]]


def _present(call: Call) -> list[Hca]:
    return sorted((h for h in call.node.hcas if h.present), key=lambda h: (len(h.name), h.name))


def _ibstat(hca: Hca, *, ports: bool) -> str:
    guid = "0x" + hca.guid.replace(":", "")
    text = (
        f"CA '{hca.name}'\n\tCA type: {hca.kind.hca_type}\n\tNumber of ports: 1\n\tFirmware version: {hca.firmware}\n"
        f"\tHardware version: 0\n\tNode GUID: {guid}\n\tSystem image GUID: {guid}\n"
    )
    if not ports:
        return text
    lid = hca.lid if hca.active else 65535 if hca.layer == "InfiniBand" else 0
    return text + (
        f"\tPort 1:\n\t\tState: {_STATES[hca.logical][0]}\n\t\tPhysical state: {_PHYSICAL[hca.physical][0]}\n"
        f"\t\tRate: {hca.rate_gbps}\n\t\tBase lid: {lid}\n\t\tLMC: 0\n\t\tSM lid: {hca.sm_lid if hca.active else 0}\n"
        f"\t\tCapability mask: 0xa751e848\n\t\tPort GUID: {guid}\n\t\tLink layer: {hca.layer}\n"
    )


def ibstatus(call: Call) -> Reply:
    hcas = _present(call)
    if not hcas:
        return Reply(255, stdout="Fatal error:  No devices\n")
    return Reply(
        stdout="".join(
            f"Infiniband device '{h.name}' port 1 status:\n"
            f"\tdefault gid:\t fe80:0000:0000:0000:{h.guid}\n\tbase lid:\t 0x{h.lid if h.active else 0:x}\n"
            f"\tsm lid:\t\t 0x{h.sm_lid if h.active else 0:x}\n\tstate:\t\t {h.logical}\n\tphys state:\t {h.physical}\n"
            f"\trate:\t\t {rate_text(h)}\n\tlink_layer:\t {h.layer}\n\n"
            for h in hcas
        )
    )


def ibv_devinfo(call: Call) -> Reply:
    options = Options(call.args, ("-d", "--ib-dev", "-i", "--ib-port"))
    name, verbose = options.get("-d", "--ib-dev"), options.has("-v", "--verbose")
    hcas = [h for h in _present(call) if not name or h.name == name]
    if not hcas:
        return Reply(255, stderr=f"IB device '{name}' wasn't found\n" if name else "No IB devices found\n")
    return Reply(stdout="".join(_devinfo(h, verbose=verbose) for h in hcas))


def _devinfo(hca: Hca, *, verbose: bool) -> str:
    rows = [
        f"hca_id:\t{hca.name}",
        "\ttransport:\t\t\tInfiniBand (0)",
        f"\tfw_ver:\t\t\t\t{hca.firmware}",
        f"\tnode_guid:\t\t\t{hca.guid}",
        f"\tsys_image_guid:\t\t\t{hca.guid}",
        "\tvendor_id:\t\t\t0x02c9",
        f"\tvendor_part_id:\t\t\t{int(hca.kind.device_id, 16)}",
        "\thw_ver:\t\t\t\t0x0",
        f"\tboard_id:\t\t\t{hca.kind.board_id}",
        "\tphys_port_cnt:\t\t\t1",
        "\t\tport:\t1",
        f"\t\t\tstate:\t\t\t{_STATES[hca.logical][1]}",
        "\t\t\tmax_mtu:\t\t4096 (5)",
        "\t\t\tactive_mtu:\t\t4096 (5)",
        f"\t\t\tsm_lid:\t\t\t{hca.sm_lid if hca.active else 0}",
        f"\t\t\tport_lid:\t\t{hca.lid if hca.active else 0}",
        "\t\t\tport_lmc:\t\t0x00",
        f"\t\t\tlink_layer:\t\t{hca.layer}",
    ]
    if verbose:
        width = {1: "1X (1)", 2: "2X (16)", 4: "4X (2)"}[hca.lanes]
        speed = _LANE_SPEEDS.get(hca.rate_gbps * 4 // hca.lanes, "100.0 Gbps (128)")
        rows += [
            f"\t\t\tactive_width:\t\t{width}",
            f"\t\t\tactive_speed:\t\t{speed}",
            f"\t\t\tphys_state:\t\t{_PHYSICAL[hca.physical][1]}",
        ]
    return "\n".join([*rows, "", ""])


def ibv_devices(call: Call) -> Reply:
    rows = [f"    {h.name:<16}\t{h.guid.replace(':', '')}\n" for h in _present(call)]
    return Reply(
        stdout="    device          \t   node GUID\n    ------          \t----------------\n" + "".join(rows)
    )


def ibdev2netdev(call: Call) -> Reply:
    rows = [f"{h.name} port 1 ==> {h.netdev} ({'Up' if h.active else 'Down'})\n" for h in _present(call)]
    return Reply(stdout="".join(rows))


def rdma(call: Call) -> Reply:
    """`rdma link [show]`, as text or with -j."""
    options = Options(call.args, ())
    if options.words[:1] != ["link"]:
        return Reply(1, stderr=f'Unknown argument "{" ".join(options.words)}"\n')
    hcas = _present(call)
    if any("j" in arg for arg in call.args if arg.startswith("-")):
        rows = [
            {
                "ifindex": i,
                "ifname": h.name,
                "port": 1,
                "state": h.logical.split()[1],
                "physical_state": _PHYSICAL[h.physical][2],
                "netdev": h.netdev,
                "netdev_index": i + 4,
            }
            for i, h in enumerate(hcas)
        ]
        return Reply(stdout=json.dumps(rows, separators=(",", ":")) + "\n")
    return Reply(
        stdout="".join(
            f"link {h.name}/1 state {h.logical.split()[1]} physical_state {_PHYSICAL[h.physical][2]} netdev {h.netdev} \n"
            for h in hcas
        )
    )
