"""Simulated clusters, and a way to run commands on their nodes without SSH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bringup.commands import Command, Ended, Output
from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock import SHAPES, Served, serve
from bringup.model import Node, Port

RAILS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")


def plan(count: int) -> tuple[Node, ...]:
    """Nodes with the rails of a real HGX node: other networks take the device numbers between."""
    return tuple(
        Node(
            f"gpu-{n:03}",
            serial=f"SIM{n:05}",
            profile="hgx-h100",
            ports=tuple(
                Port(rail, hca, leaf=f"leaf-{rail + 1:02}", leaf_port=str(n))
                for rail, hca in enumerate(RAILS)
            ),
        )
        for n in range(1, count + 1)
    )


@dataclass(frozen=True)
class Lab:
    """A simulated cluster and the commands that are run on it."""

    served: Served

    def sh(
        self, node: str, script: str, timeout: float = 20.0, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run sh text in the node's own environment."""
        own = self.served.environment(node)
        return subprocess.run(
            ["/bin/sh", "-c", script],
            env={**own, **env},
            cwd=own["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def output(self, node: str, command: Command) -> Output:
        """Run a command of the battery as the engine would: with $ROOT, and under sudo where it asks for root."""
        script = f'ROOT=$BRINGUP_ROOT; export ROOT\n{"sudo -n " if command.root else ""}sh -c "$COMMAND"'
        done = self.sh(node, script, COMMAND=command.script, LC_ALL="C", TERM="dumb", COLUMNS="500")
        return Output(
            node,
            command,
            Ended.EXITED,
            done.returncode,
            done.stdout.encode(),
            done.stderr.encode(),
            as_root=command.root,
        )

    def text(self, node: str, command: Command) -> str:
        """What a command printed; it must have ended well."""
        out = self.output(node, command)
        assert out.status == 0, (out.text, out.error_text)
        return out.text

    def both(
        self, server: tuple[str, Command], client: tuple[str, Command], **env: str
    ) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
        """Run a server and, as soon as it listens, its client."""
        (there, serving), (here, asking) = server, client
        root = self.served.environment(there)["BRINGUP_ROOT"]
        hex_port = f"{serving.listens:04X}"
        with subprocess.Popen(
            ["/bin/sh", "-c", serving.script], env={**self.served.environment(there), "ROOT": root, **env},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                wait = f"while ! grep -q ':{hex_port} .* 0A ' $BRINGUP_ROOT/proc/net/tcp; do sleep 0.01; done"
                if process.poll() is None:
                    self.sh(there, wait, timeout=5)
                asked = self.sh(here, f"ROOT=$BRINGUP_ROOT\n{asking.script}", **env)
                out, err = process.communicate(timeout=10)
            finally:
                process.kill()
        return subprocess.CompletedProcess([], process.returncode, out, err), asked


MakeLab = Callable[..., Lab]


@pytest.fixture(scope="session")
def healthy() -> Iterator[Lab]:
    """Three healthy nodes, the same for all tests. Tests that change what others see make their own."""
    with serve(Simulate(seed=7, speed=200.0), plan(3)) as served:
        yield Lab(served)
        assert served.errors == []


@pytest.fixture
def lab() -> Iterator[MakeLab]:
    """Make a cluster: `lab(kind, node_count=2, **params)` seeds one fault on gpu-001; `lab(faults=[...])` any."""
    with ExitStack() as stack:
        made: list[Lab] = []

        def make(
            kind: str = "", *, count: int = 2, faults: Sequence[FaultSpec] = (), speed: float = 200.0,
            params: Mapping[str, str | int | float | bool] | None = None,
        ) -> Lab:  # fmt: skip
            specs = [*faults, *([FaultSpec(kind, ("gpu-001",), Params(params or {}))] if kind else [])]
            served = stack.enter_context(
                serve(Simulate(seed=7, speed=speed, faults=tuple(specs)), plan(count))
            )
            made.append(Lab(served))
            return made[-1]

        yield make
        for one in made:
            assert one.served.errors == []


@pytest.fixture(scope="module")
def open_lab() -> Iterator[Callable[[Simulate, Sequence[Node]], Lab]]:
    """Bring up any cluster, for all tests of a file."""
    with ExitStack() as stack:
        made: list[Lab] = []

        def make(simulate: Simulate, nodes: Sequence[Node]) -> Lab:
            made.append(Lab(stack.enter_context(serve(simulate, nodes))))
            return made[-1]

        yield make
        for one in made:
            assert one.served.errors == []


@pytest.fixture(scope="session")
def shaped() -> Iterator[Callable[[str], Lab]]:
    """Three healthy nodes of a shape, `n-001` to `n-003`, made when they are first asked for."""
    with ExitStack() as stack:
        made: dict[str, Lab] = {}

        def make(shape: str) -> Lab:
            if shape not in made:
                rails = len(SHAPES[shape].hca_bdfs)
                ports = tuple(Port(rail, f"mlx5_{rail}", leaf=f"leaf-{rail + 1:02}") for rail in range(rails))
                nodes = tuple(Node(f"n-{n:03}", profile=shape, rack="R01", ports=ports) for n in range(1, 4))
                made[shape] = Lab(
                    stack.enter_context(serve(Simulate(shape=shape, seed=7, speed=400.0), nodes))
                )
            return made[shape]

        yield make
        for one in made.values():
            assert one.served.errors == []


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], str]:
    """A captured output by its path in the collection; the test is skipped where there is none."""

    def read(path: str) -> str:
        folder = Path(
            os.environ.get("BRINGUP_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
        )
        if not (folder / path).is_file():
            pytest.skip(f"no captured output {path}; set BRINGUP_CORPUS to their folder")
        return (folder / path).read_text(encoding="utf-8", errors="replace")

    return read
