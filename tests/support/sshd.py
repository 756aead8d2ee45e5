"""A real OpenSSH server on this machine, for tests: own configuration, own host keys, own users.

`sshd` is the server, for the user who runs the tests. `shell_users` are accounts with other login shells, whose
start-up files print to both streams. Both need programs that a test machine may lack; as root they are installed,
else the tests are skipped and say what is missing.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bringup.model import Node
from bringup.transport import Options

_PACKAGES = {"sshd": "openssh-server", "ssh-keygen": "openssh-client", "zsh": "zsh", "tcsh": "tcsh"}
_NOISE = "echo noise on stdout; echo noise on stderr"


def program(name: str) -> str:
    """The full path of a program, installed first if we may. Skips the test if it cannot be had."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        package = _PACKAGES.get(name, name)
        subprocess.run(
            ["apt-get", "install", "-y", "-q", package], capture_output=True, timeout=120, check=False
        )
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"MISSING PROGRAM: {name} is not installed, so this is not tested here")
    return path


def keygen(path: Path, *args: str) -> Path:
    """A new key pair at this path, without a passphrase unless the arguments say so."""
    passphrase = () if "-N" in args else ("-N", "")
    subprocess.run(
        [program("ssh-keygen"), "-q", *passphrase, "-C", path.name, "-f", str(path), *args],
        check=True,
        timeout=30,
    )
    return path


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running server. `key` may log in as every user; `ca` signs user certificates that may."""

    folder: Path
    port: int
    pid: int
    user: str
    key: Path
    ca: Path
    known_hosts: Path

    def node(self, name: str = "node-1", **changes: object) -> Node:
        """A node that is this server."""
        settings: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "key_file": str(self.key),
        }
        return Node(name, **{**settings, **changes})  # type: ignore[arg-type]

    def options(self, **changes: object) -> Options:
        """Options with this server's host keys. One attempt only; the deadlines suit a machine that is busy."""
        settings: dict[str, object] = {"known_hosts": self.known_hosts, "connect_attempts": 1}
        return Options(**{**settings, **changes})  # type: ignore[arg-type]


def free_port() -> int:
    """A loopback port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """A server for all tests of a session."""
    server_program = program("sshd")
    folder = Path(tempfile.mkdtemp(prefix="bringup-sshd-"))
    folder.chmod(0o755)  # the server reads authorized_keys as the user who logs in
    process: subprocess.Popen[bytes] | None = None
    try:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port = free_port()
        host_keys = [keygen(folder / f"host_{kind}", "-t", kind) for kind in ("ed25519", "ecdsa")]
        host_keys.append(keygen(folder / "host_rsa", "-t", "rsa", "-b", "2048"))
        key = keygen(folder / "client", "-t", "ed25519")
        ca = keygen(folder / "ca", "-t", "ed25519")
        authorized = folder / "authorized_keys"
        authorized.write_text((folder / "client.pub").read_text())
        (folder / "banner").write_text("WELCOME TO THE TEST SERVER\nAll is recorded.\n")
        known = folder / "known_hosts"
        known.write_text(
            "".join(f"[127.0.0.1]:{port} {key_.with_suffix('.pub').read_text()}" for key_ in host_keys)
        )
        config = folder / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    f"ListenAddress 127.0.0.1:{port}",
                    *(f"HostKey {host_key}" for host_key in host_keys),
                    f"AuthorizedKeysFile {authorized}",
                    f"TrustedUserCAKeys {ca}.pub",
                    f"Banner {folder / 'banner'}",
                    "PidFile none",
                    "UsePAM no",
                    "StrictModes no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "PermitRootLogin prohibit-password",
                    "MaxStartups 100:30:200",
                    "PrintMotd yes",
                    "LogLevel VERBOSE",
                    "Match User bu*tcsh",
                    "MaxSessions 1",
                ]
            )
            + "\n"
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [server_program, "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 10
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"sshd did not start: {(folder / 'log').read_text()}")
            time.sleep(0.05)
        yield Sshd(folder, port, process.pid, getpass.getuser(), key, ca, known)
    finally:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.wait(5)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shell_users(sshd: Sshd) -> Iterator[dict[str, str]]:
    """User names by login shell: bash, zsh, tcsh. Their start-up files print to both streams.

    The one with tcsh may have only one session on a connection (MaxSessions).
    """
    if os.geteuid() != 0 or not shutil.which("useradd"):
        pytest.skip("NOT ROOT or no useradd: login shells of other users are not tested here")
    shells = {name: program(name) for name in ("bash", "zsh", "tcsh")}
    run_id = uuid.uuid4().hex[:8]
    users = {name: f"bu{run_id}{name}" for name in shells}
    homes = sshd.folder / "home"
    homes.mkdir(exist_ok=True)
    try:
        for name, user in users.items():
            subprocess.run(
                ["useradd", "-m", "-d", str(homes / user), "-s", shells[name], "-p", "*", user],
                check=True,
                capture_output=True,
                timeout=30,
            )
            for file in (".bashrc", ".zshenv"):
                (homes / user / file).write_text(f"{_NOISE} >&2\nprintf 'no end of line'\n")
            (homes / user / ".tcshrc").write_text("echo noise on stdout\nsh -c 'echo noise on stderr >&2'\n")
        yield users
    finally:
        for user in users.values():
            subprocess.run(["userdel", "-rf", user], capture_output=True, timeout=30, check=False)
