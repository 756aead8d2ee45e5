"""The `ssh` command that opens a shell on a node the way the run reaches it, as a list of words, never as shell text."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

from bringup.model import Jump, Node

MOST_SETTINGS_BYTES = 1 << 20


def ssh_command(node: Node, known_hosts: str = "") -> list[str]:
    """The words of the command; empty where the node is this machine and no `ssh` is needed."""
    if node.connection != "ssh":
        return []
    words = ["ssh"]
    if known_hosts:
        words += ["-o", f"UserKnownHostsFile={_option(known_hosts)}"]
    words += _identity(node.key_file)
    if node.certificate:
        words += ["-o", f"CertificateFile={_option(node.certificate)}"]
    if node.jump and not any(jump.key_file for jump in node.jump):
        words += ["-J", ",".join(map(_hop, node.jump))]
    elif node.jump:
        words += ["-o", f"ProxyCommand={_through(node.jump)}"]
    words += ["-p", str(node.port)] if node.port != 22 else []
    words += ["-l", node.user] if node.user else []
    return [*words, "--", node.address or node.name]


def _identity(key_file: str) -> list[str]:
    return ["-i", key_file, "-o", "IdentitiesOnly=yes"] if key_file else []


def _option(path: str) -> str:
    """A path as a value of ssh's configuration, where blanks and percent signs have a meaning."""
    path = path.replace("%", "%%")
    return f'"{path}"' if " " in path else path


def _hop(jump: Jump) -> str:
    user = f"{jump.user}@" if jump.user else ""
    port = f":{jump.port}" if jump.port != 22 else ""
    return f"{user}[{jump.host}]{port}" if ":" in jump.host else f"{user}{jump.host}{port}"


def _through(jumps: tuple[Jump, ...]) -> str:
    """A proxy command for jumps with keys of their own, which `-J` cannot name; the innermost host is reached last."""
    *before, last = jumps
    words = ["ssh", *_identity(last.key_file)]
    if before:
        words += ["-o", f"ProxyCommand={_through(tuple(before)).replace('%', '%%')}"]
    words += ["-p", str(last.port)] if last.port != 22 else []
    words += ["-l", last.user] if last.user else []
    return shlex.join([*words, "-W", "TARGET", "--", last.host]).replace("TARGET", "%h:%p")


def run_in_terminal(words: list[str], shown: str, *, wait: bool = False) -> int:
    """Run a command in the terminal that the screens have given away. Ctrl-C is for the command, not for the screens.

    What it has printed can be read until enter is pressed: with `wait` always, else where it has failed.
    """
    print(f"\n$ {shown}\n", flush=True)
    before = signal.signal(signal.SIGINT, lambda *_: None)  # a handler, unlike SIG_IGN, is not inherited
    try:
        status = subprocess.run(words, check=False).returncode
        if status or wait:
            print(f"\nended with status {status}; enter goes back", flush=True)
            sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)
    return status


def known_hosts_of(folder: Path) -> str:
    """The host keys file that the run was started with; empty if it used the usual one."""
    try:
        with (folder / "run.toml").open("rb") as file:
            settings = tomllib.loads(file.read(MOST_SETTINGS_BYTES).decode("utf-8"))
    except (OSError, ValueError):  # a missing or damaged file: ssh then uses the usual one
        return ""
    value = settings.get("known_hosts")
    return value if isinstance(value, str) else ""
