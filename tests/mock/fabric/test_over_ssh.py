"""The fabric as somebody sees it who logs in to one simulated node."""

from __future__ import annotations

from contextlib import closing

import paramiko

from bringup.inventory.types import FaultSpec, Params
from bringup.parsers import iblinkinfo, lldp
from bringup.parsers.ib_names import host_and_device, switch_name
from bringup.parsers.ib_trouble import Trouble, trouble


def test_one_login_shows_a_swapped_cable_between_two_other_nodes(lab):  # type: ignore[no-untyped-def]
    swap = FaultSpec("cables-swapped", ("gpu-002", "gpu-003"), Params({"hca": "mlx5_4"}))
    served = lab(count=4, faults=(swap,)).served
    node = served.nodes[0]
    with closing(paramiko.SSHClient()) as client:
        client.load_host_keys(str(served.known_hosts))
        key = paramiko.Ed25519Key.from_private_key_file(node.key_file)
        client.connect(
            node.address, node.port, node.user, pkey=key, look_for_keys=False, allow_agent=False, timeout=10
        )

        def run(command: str) -> tuple[int, str, str]:
            _, out, err = client.exec_command(command, timeout=30)
            text, errors = out.read().decode(), err.read().decode()
            return out.channel.recv_exit_status(), text, errors

        status, text, _ = run("sudo -n iblinkinfo -l")
        refused, nothing, errors = run("iblinkinfo -l")
        _, neighbours, _ = run("sudo -n lldpcli -f json0 show neighbors")
    ports = iblinkinfo.parse(text)
    moved = {
        (port.name, switch_name(port.peer.name), port.peer.port)
        for port in ports
        if port.peer and (host := host_and_device(port.name)) and int(host[0][4:]) != port.peer.port
    }
    assert status == 0
    assert moved == {("gpu-002 mlx5_4", "leaf-03", 3), ("gpu-003 mlx5_4", "leaf-03", 2)}
    assert (refused, nothing, trouble(errors)) == (1, "", Trouble.NOT_OPENED)
    assert {n.system for n in lldp.parse(neighbours)} == {"oob-R01", "tor-R01"}
