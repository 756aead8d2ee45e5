"""Real programs on a fabric that is not there: ibsim with opensm for InfiniBand, lldpd in network namespaces.

Each starts what it needs, on names and sockets of its own, and ends it. Programs that this machine lacks are installed
where that is allowed; else the test is skipped and says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.ibnet import Net

from bringup.commands import Command

_PACKAGES = {
    "ibsim": "ibsim-utils",
    "opensm": "opensm",
    "ibnetdiscover": "infiniband-diags",
    "iblinkinfo": "infiniband-diags",
    "lldpd": "lldpd",
    "lldpcli": "lldpd",
    "ip": "iproute2",
}
_SIMULATORS = "/usr/lib/*/umad2sim/libumad2sim.so"
_PATIENCE_S = 60.0
_SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"

Ask = Callable[[str, Command], str]
"""Runs a command as if on this node, and gives what it printed."""


def program(name: str) -> str:
    """The full path of a program, installed first if we may. Skips the test if it cannot be had."""
    path = shutil.which(name) or shutil.which(name, path=_SBIN)
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", _PACKAGES[name]]
        subprocess.run(command, capture_output=True, timeout=180, check=False)
        path = shutil.which(name) or shutil.which(name, path=_SBIN)
    if path is None:
        pytest.skip(f"MISSING PROGRAM: {name} is not installed, so real output is not tested here")
    return path


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} after {_PATIENCE_S:.0f} s")
        time.sleep(0.1)


@contextlib.contextmanager
def _running(
    command: list[str], env: Mapping[str, str], log: Path, **more: object
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, killed at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=dict(env), stdout=out, stderr=out, start_new_session=True, **more
        )  # type: ignore[call-overload]
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin:
                process.stdin.close()


# ------------------------------------------------------------------------------------------------ InfiniBand


@contextlib.contextmanager
def infiniband(net: Net, folder: Path) -> Iterator[Ask]:
    """The fabric with a subnet manager. An adapter of it is the first one of the host that asks."""
    ibsim, opensm = program("ibsim"), program("opensm")
    program("ibnetdiscover")
    preload = next(Path("/").glob(_SIMULATORS.lstrip("/")), None)
    if preload is None:
        pytest.skip(
            "MISSING LIBRARY: libumad2sim.so of ibsim is not installed, so real output is not tested here"
        )
    (folder / "net").write_text(net.ibsim())
    plain = {
        "PATH": f"{os.environ.get('PATH', '')}:{_SBIN}",
        "LC_ALL": "C",
        "IBSIM_SOCKNAME": f"t{uuid.uuid4().hex[:12]}",
    }

    def of(host: str) -> dict[str, str]:
        return {**plain, "LD_PRELOAD": str(preload), "SIM_HOST": f"{host} mlx5_0"}

    manager = {**of("gpu-1"), "OSM_CACHE_DIR": str(folder), "OSM_TMP_DIR": str(folder)}
    with _running(
        [ibsim, "-s", "net"], plain, folder / "ibsim.log", stdin=subprocess.PIPE, cwd=folder
    ) as simulator:
        _until(lambda: b"########################" in (folder / "ibsim.log").read_bytes() or simulator.poll() is not None
               or b"sim>" in (folder / "ibsim.log").read_bytes(), "ibsim is not up")  # fmt: skip
        with _running([opensm, "-f", str(folder / "opensm.log")], manager, folder / "opensm.out", cwd=folder):
            last = f"gpu-{net.nodes}"

            def active() -> bool:
                shown = subprocess.run(
                    ["ibstat"], env=of(last), cwd=folder, capture_output=True, timeout=30, check=False
                )
                return b"State: Active" in shown.stdout

            _until(active, "the fabric is not up")

            def ask(host: str, command: Command) -> str:
                root = _tree(folder / host, net.guid(host, 0))
                env = {**of(host), "ROOT": str(root), "TMP": str(root)}
                done = subprocess.run(
                    ["sh", "-c", command.script],
                    env=env,
                    cwd=folder,  # ibsim's library leaves a folder sys-PID where it is
                    capture_output=True,
                    timeout=command.timeout_s,
                    check=True,
                )
                return done.stdout.decode()

            yield ask


def _tree(root: Path, guid: str) -> Path:
    """What the kernel tells of the one adapter that ibsim gives a host, which it calls ibsim0."""
    device = root / "sys/class/infiniband/ibsim0"
    port = device / "ports/1"
    port.mkdir(parents=True, exist_ok=True)
    (device / "node_guid").write_text(":".join(guid[k : k + 4] for k in range(0, 16, 4)) + "\n")
    (port / "state").write_text("4: ACTIVE\n")
    (port / "link_layer").write_text("InfiniBand\n")
    return root


# -------------------------------------------------------------------------------------------------- Ethernet


@contextlib.contextmanager
def ethernet(net: Net, folder: Path) -> Iterator[Ask]:
    """Hosts and leaves as network namespaces, each with a real lldpd; port n of a leaf is swpN, rail k of a host ethK."""
    ip, lldpd, lldpcli = program("ip"), program("lldpd"), program("lldpcli")
    if os.geteuid() != 0:
        pytest.skip("MISSING RIGHTS: network namespaces need root, so real LLDP is not tested here")
    mark = f"t{uuid.uuid4().hex[:6]}"
    names = [
        *dict.fromkeys(host for host, _ in net.ends),
        *dict.fromkeys(leaf for leaf, _ in net.ends.values()),
    ]
    spaces = {name: f"{mark}-{name}" for name in names}

    def run(*command: str) -> None:
        done = subprocess.run([ip, *command], capture_output=True, timeout=30, check=False)
        if done.returncode:
            pytest.skip(f"MISSING RIGHTS: ip {' '.join(command)}: {done.stderr.decode().strip()}")

    # lldpd gives up its rights and must still reach its socket, which it cannot below a test's own folder
    shelf = Path(tempfile.mkdtemp(prefix="lldp-"))
    shelf.chmod(0o755)
    Path("/run/lldpd").mkdir(exist_ok=True)
    sockets = {name: str(shelf / f"{name}.sock") for name in names}
    env = {**os.environ, "LC_ALL": "C"}

    def control(name: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [lldpcli, "-u", sockets[name], *words], env=env, capture_output=True, timeout=30, check=False
        )

    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, shelf, ignore_errors=True)
        for space in spaces.values():
            run("netns", "add", space)
            ends.callback(
                subprocess.run, [ip, "netns", "del", space], capture_output=True, timeout=30, check=False
            )
        for (host, rail), (leaf, port) in net.ends.items():
            run(
                "link",
                "add",
                f"eth{rail}",
                "netns",
                spaces[host],
                "type",
                "veth",
                "peer",
                f"swp{port}",
                "netns",
                spaces[leaf],
            )
            run("-n", spaces[host], "link", "set", f"eth{rail}", "up")
            run("-n", spaces[leaf], "link", "set", f"swp{port}", "up")
        for name in names:
            daemon = [ip, "netns", "exec", spaces[name], lldpd, "-d", "-u", sockets[name], "-I", "eth*,swp*"]
            ends.enter_context(_running(daemon, env, folder / f"{name}.log"))
        for name in names:
            _until(
                lambda name=name: control(name, "show", "configuration").returncode == 0,
                f"lldpd of {name} is not up",
            )  # type: ignore[misc]
            control(name, "configure", "system", "hostname", name)
            control(name, "configure", "lldp", "portidsubtype", "ifname")
            control(name, "configure", "lldp", "tx-interval", "1")

        def ask(host: str, command: Command) -> str:
            words = command.script.split()[1:]
            return control(host, *words).stdout.decode()

        def known() -> bool:
            shown = [control(h, "show", "neighbors").stdout for h in dict.fromkeys(h for h, _ in net.ends)]
            return sum(text.count(b"SysName:      leaf-") for text in shown) == len(net.ends)

        _until(known, "not every neighbour is heard")
        yield ask
