"""A small real Slurm for tests: munge, slurmctld and three slurmd on loopback, started here.

Needs root and an installed Slurm (Debian: slurmctld slurmd slurm-client munge); tests are skipped, and told, without.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.answers import eventually

TOOLS = ("slurmctld", "slurmd", "munged", "sinfo", "scontrol")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
needs_slurm = pytest.mark.skipif(
    bool(MISSING) or os.geteuid() != 0,
    reason=f"the real Slurm is NOT tested here: needs root and {', '.join(MISSING or TOOLS)}",
)
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={at}/run/sock
CredType=cred/munge
StateSaveLocation={at}/state
SlurmdSpoolDir={at}/spool/%n
SlurmctldPidFile={at}/ctld.pid
SlurmdPidFile={at}/slurmd-%n.pid
SlurmctldLogFile={at}/ctld.log
SlurmdLogFile={at}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=0
MpiDefault=none
NodeName=n[1-3] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=1 RealMemory=100 State=UNKNOWN
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=all Nodes=ALL MaxTime=INFINITE State=UP
"""
Slurm = Callable[..., str]


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody listens on."""
    for first in range(17_300, 18_300, count):
        found = []
        try:
            for port in range(first, first + count):
                found.append(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
        finally:
            for one in found:
                one.close()
    raise AssertionError("no free ports")


@pytest.fixture
def slurm() -> Iterator[Slurm]:
    """A small cluster n1 to n3; call it with a command and its arguments to get what that prints. `conf` is its file."""
    at = Path(
        tempfile.mkdtemp(prefix="slurm-")
    )  # munged wants no folder above its socket that others can write
    at.chmod(0o755)
    port = free_ports(4)
    for name in ("state", "spool/n1", "spool/n2", "spool/n3", "munge", "run"):
        (at / name).mkdir(parents=True)
    (at / "munge").chmod(0o700)
    key = at / "munge/key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    conf = at / "slurm.conf"
    conf.write_text(CONF.format(host=socket.gethostname(), port=port, first=port + 1, last=port + 3, at=at))
    env = {**os.environ, "SLURM_CONF": str(conf)}

    def call(*argv: str) -> str:
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    daemons: list[subprocess.Popen[bytes]] = []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
    try:
        sock = f"--socket={at}/run/sock"
        munged = ["munged", "--foreground", "--force", f"--key-file={key}", sock, f"--pid-file={at}/munge/pid",
                  f"--log-file={at}/munge/log", f"--seed-file={at}/munge/seed"]  # fmt: skip
        daemons.append(subprocess.Popen(munged, **quiet))  # type: ignore[call-overload]
        assert eventually((at / "run/sock").exists, 20)
        daemons.append(subprocess.Popen(["slurmctld", "-D", "-c"], **quiet))  # type: ignore[call-overload]
        for name in ("n1", "n2", "n3"):
            daemons.append(subprocess.Popen(["slurmd", "-D", "-N", name], **quiet))  # type: ignore[call-overload]

        def up() -> bool:
            done = subprocess.run(
                ["sinfo", "-h", "-N", "-p", "gpu", "-o", "%T"], env=env, capture_output=True, text=True
            )
            return done.stdout.split() == ["idle"] * 3

        assert eventually(up, 90), (at / "ctld.log").read_text()[-2000:]
        call.conf = str(conf)  # type: ignore[attr-defined]
        yield call
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(at, ignore_errors=True)
