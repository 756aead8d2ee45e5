"""`bringup mock up`: serves a simulated cluster to any SSH client."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

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
def up(inventory_path: str, ssh_config: Path) -> int:
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
    previous = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with common.served(inventory.simulate, inventory.nodes) as (nodes, known_hosts):
            ssh_config.write_text("".join(host_entry(n, known_hosts) for n in nodes))
            click.echo(f"{len(nodes)} simulated nodes are up; Ctrl-C ends them")
            click.echo(f"  ssh -F {ssh_config} {nodes[0].name} nvidia-smi")
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        ssh_config.unlink(missing_ok=True)
    return Exit.READY


def host_entry(node: Node, known_hosts: Path | None) -> str:
    """One `Host` block for OpenSSH."""
    lines = [f"Host {node.name}", f"  HostName {node.address}", f"  Port {node.port}", f"  User {node.user}",
             f"  IdentityFile {node.key_file}", "  IdentitiesOnly yes",
             f"  UserKnownHostsFile {known_hosts}"]  # fmt: skip
    return "\n".join(lines) + "\n"
