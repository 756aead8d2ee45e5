"""`bringup mock up`: serves a simulated cluster to any SSH client."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from bringup.cli import common
from bringup.errors import UsageError
from bringup.model import Exit, Node


@click.group()
def mock() -> None:
    """The simulated cluster, for CI and for trying things out."""


@mock.command()
@common.inventory_option
@click.option(
    "--ssh-config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("mock-ssh-config"),
    show_default=True,
    help="Where to write a config for ssh -F.",
)
@click.option(
    "--write-inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write an inventory that reaches the served nodes, for `bringup run -i` from elsewhere.",
)
def up(inventory_path: str, ssh_config: Path, write_inventory: Path | None) -> int:
    """Serve the simulated cluster of an inventory until Ctrl-C.

    \b
    bringup mock up &
    ssh -F mock-ssh-config gpu-003 nvidia-smi
    """
    inventory = common.read_inventory(inventory_path, ())
    if inventory.simulate is None:
        raise UsageError(
            f"{inventory_path}: has no `simulate:`, so there is nothing to serve; see inventories/mock.yaml"
        )
    stop = threading.Event()
    written: list[Path] = []
    previous = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with common.served(inventory.simulate, inventory.nodes) as (nodes, known_hosts):
            written = [ssh_config]
            if write_inventory:
                write_inventory.write_text(plain_inventory(inventory.name, nodes, known_hosts))
                written.append(write_inventory)
            ssh_config.write_text("".join(host_entry(n, known_hosts) for n in nodes))
            click.echo(f"{len(nodes)} simulated nodes are up; Ctrl-C ends them")
            click.echo(f"  ssh -F {ssh_config} {nodes[0].name} nvidia-smi")
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for path in written:
            path.unlink(missing_ok=True)
    return Exit.READY


def host_entry(node: Node, known_hosts: Path | None) -> str:
    """One `Host` block for OpenSSH."""
    lines = [f"Host {node.name}", f"  HostName {node.address}", f"  Port {node.port}", f"  User {node.user}",
             f"  IdentityFile {node.key_file}", "  IdentitiesOnly yes",
             f"  UserKnownHostsFile {known_hosts}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def plain_inventory(name: str, nodes: Sequence[Node], known_hosts: Path | None) -> str:
    """An inventory without `simulate:` that reaches these nodes where they are served."""
    entries = [
        {
            "names": n.name, "address": n.address, "peer_address": n.peer_address, "port": n.port, "user": n.user,
            "key": n.key_file, "profile": n.profile, "rack": n.rack, "unit": n.unit, "serial": n.serial,
            "rails": [p.hca for p in n.ports],
        }
        for n in nodes
    ]  # fmt: skip
    cables = [
        {"a": f"{n.name}:{p.hca}", "b": f"{p.leaf}:{p.leaf_port}", "label": p.cable}
        for n in nodes
        for p in n.ports
        if p.leaf
    ]
    filled = [{key: value for key, value in entry.items() if value} for entry in entries]
    return yaml.safe_dump(
        {"name": name, "defaults": {"known_hosts": str(known_hosts)}, "nodes": filled, "cables": cables},
        sort_keys=False,
    )
