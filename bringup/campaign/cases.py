"""The twenty acceptance cases: what published tools get wrong, each a named scenario that must be right here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bringup.campaign.layout import Part, Plan, mixed_text, names
from bringup.campaign.planting import plant
from bringup.campaign.play import Setup, played, run
from bringup.campaign.probes import PROBES
from bringup.campaign.questions import QUESTIONS
from bringup.campaign.types import Place, Planted, Played, Scalar, Scenario, Wanted
from bringup.defects import Who
from bringup.inventory import FaultSpec, Params, parse
from bringup.mock.faults.registry import Kind
from bringup.model import Node
from bringup.topology import matchings, place

SEED = 7
HANDS_ON, SOFTWARE, UNJUDGED = Who.HANDS_ON.value, Who.SOFTWARE.value, Who.COULD_NOT_JUDGE.value


def play(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """Play any scenario in this process: its own procedure or a plain run, then its further question."""
    if scenario.probe:
        return PROBES[scenario.probe](scenario, setup, folder)
    begun = time.monotonic()
    state, run_folder = run(scenario, setup, folder)
    asked = QUESTIONS.get(scenario.also)
    broken = tuple(asked(state, run_folder))[:5] if asked is not None else ()
    return played(scenario, state, time.monotonic() - begun, broken)


class _Cases:
    """Builds cases; a case is a scenario with a number and a sentence."""

    def __init__(self, plans: Mapping[str, Plan], kinds: Mapping[str, Kind]) -> None:
        self._plans, self._kinds = plans, kinds
        self.found: list[Scenario] = []

    def add(
        self, name: str, title: str, count: int = 4, faults: Sequence[tuple[FaultSpec, Sequence[Place] | None]] = (),
        *, shape: str = "hgx-h100", beside: Sequence[tuple[str, int]] = (), also: str = "", probe: str = "",
        per_leaf: int = 16,
    ) -> None:  # fmt: skip
        """A case with these faults; `beside` are further shapes and their numbers of nodes.

        Without places a fault's own kind says what is right. A fault whose kind the simulator does not have makes the
        case a blocked one.
        """
        if any(spec.kind not in self._kinds for spec, _ in faults):
            lacking = ", ".join(spec.kind for spec, _ in faults if spec.kind not in self._kinds)
            self._block(name, title, f"no such fault can be seeded: {lacking}")
            return
        parts = [Part(self._plans[shape], shape, count, per_leaf)]
        parts += [Part(self._plans[other], other, more) for other, more in beside]
        specs = [spec for spec, _ in faults]
        text = mixed_text(parts, SEED, specs, name=name, note=f"{name}: {title}")
        nodes = parse(text.encode(), Path(f"{name}.yaml")).nodes
        shape_of = {node: part.shape for part in parts for node in names(part.plan, part.count)}
        planted = tuple(
            self._planted(spec, places, nodes, shape_of[spec.nodes[0]]) for spec, places in faults
        )
        closes = next((p.closes for p in planted if p.closes), "")
        shapes = ",".join(part.shape for part in parts)
        self.found.append(
            Scenario(name, "case", shapes, SEED, len(nodes), text, title, planted, also, probe, closes)
        )

    def first_pair(self, count: int, per_leaf: int, shape: str = "hgx-h100") -> tuple[str, str]:
        """Two nodes of such a cluster that meet in the first round of tests."""
        text = mixed_text([Part(self._plans[shape], shape, count, per_leaf)], SEED, name="pairs")
        a, b = matchings(parse(text.encode(), Path("pairs.yaml")).nodes, 3, place)[0][0]
        return a.name, b.name

    def _planted(
        self, spec: FaultSpec, places: Sequence[Place] | None, nodes: Sequence[Node], shape: str
    ) -> Planted:
        if places is None:
            return plant(self._kinds[spec.kind], spec, nodes, shape)
        return Planted(spec.kind, spec.nodes, tuple(places), dict(spec.params))

    def _block(self, name: str, title: str, reason: str) -> None:
        """A case that cannot be played yet."""
        closes = "issue 3: simulated cluster"
        self.found.append(Scenario(name, "case", "", SEED, 0, title=title, closes=closes, blocked=reason))

    def without_profile(self, name: str, title: str, count: int) -> None:
        """A cluster whose plan does not say what its nodes are."""
        self.add(name, title, count)
        made = self.found.pop()
        plan = self._plans[made.shape]
        text = made.text.replace(f"    profile: {plan.profile}\n", "")
        places = tuple(
            Place((n,), (Wanted("NO-PROFILE", n, UNJUDGED), Wanted("NOT-JUDGED", n, UNJUDGED)))
            for n in names(plan, count)
        )
        planted = Planted("no-profile", names(plan, count), places)
        self.found.append(replace(made, text=text, planted=(planted,)))


def _fault(kind: str, node: str, **params: str | int | float | bool) -> FaultSpec:
    return FaultSpec(kind, (node,), Params(params))


def _port(code: str, node: str, hca: str) -> tuple[Place, ...]:
    return (Place((node,), (Wanted(code, f"{node}/hca/{hca}/port/1", HANDS_ON),)),)


def scenarios(plans: Mapping[str, Plan], kinds: Mapping[str, Kind]) -> tuple[Scenario, ...]:
    """All cases, in their order."""
    make = _Cases(plans, kinds)
    _connections_and_hardware(make)
    _pairs_and_places(make)
    _procedures(make)
    return tuple(sorted(make.found, key=lambda s: s.id))


def _connections_and_hardware(make: _Cases) -> None:
    both = "gpu-00[12]/hca/mlx5_3/port/1 ~ gpu-00[12]/hca/mlx5_3/port/1"
    two = (
        Place(
            ("gpu-001", "gpu-002"),
            (Wanted("PAIR-UNSPLIT", both, HANDS_ON), Wanted("RDMA-CONNECT", both, HANDS_ON)),
        ),
    )
    make.add(
        "case-01", "a pair that connects and then moves nothing fails, and both ends are named", 2,
        [(_fault("rdma-refuses", "gpu-002", hca="mlx5_3"), two)],
    )  # fmt: skip
    make.add(
        "case-02",
        "a node that dies in the middle is never a pass",
        4,
        [(_fault("node-dies", "gpu-003", after_s=4), None)],
    )
    make.add(
        "case-03", "ib_write_bw 12.3 Gb/s on NDR fails", 6,
        [(_fault("slow-hca", "gpu-004", hca="mlx5_5", fraction=0.03075), _port("RDMA-BW", "gpu-004", "mlx5_5"))],
        also="twelve_gbits",
    )  # fmt: skip
    make.add(
        "case-04", "bus bandwidth that is lost with the switches' reduction fails, and says by what", 4,
        [(_fault("nvls-off", "gpu-002"), None)],
    )  # fmt: skip
    make.add(
        "case-04b", "wrong results fail", 4, [(_fault("wrong-results", "gpu-004", gpu=3, count=7), None)]
    )
    make.add(
        "case-04c", "a slow node and one that computes wrong, paired with each other, keep each their own", 6,
        [(_fault("nvls-off", "gpu-002"), None), (_fault("wrong-results", "gpu-004", gpu=3, count=7), None)],
    )  # fmt: skip
    make.add(
        "case-05", "a failing node is left out of later stages, and every result there says why", 4,
        [(_fault("gpu-lost", "gpu-002", gpu=5), None)], also="later_stages_say_why",
    )  # fmt: skip
    make.add(
        "case-06", "Xid 95 and 94 fail in the first run and again in the second; one from before is a note", 4,
        [
            (_fault("xid", "gpu-001", gpu=2, code=95), None),
            (_fault("xid", "gpu-002", gpu=6, code=94), None),
            (_fault("xid", "gpu-003", gpu=1, code=95, age_s=90_000), ()),
        ],
        also="old_xid_is_a_note", probe="twice",
    )  # fmt: skip
    make.add(
        "case-07", "a row that cannot be remapped fails, a pending one too", 4,
        [(_fault("remap-failed", "gpu-001", gpu=4), None), (_fault("remap-pending", "gpu-003", gpu=0), None)],
    )  # fmt: skip
    make.without_profile("case-08", "nodes of no known kind are not judged, and that is no pass", 4)
    make.add(
        "case-14", "a hanging nvidia-smi leaves one node unjudged, the others untouched", 4,
        [(_fault("hanging-tool", "gpu-002", tool="nvidia-smi"), None)],
    )  # fmt: skip
    make.add(
        "case-15", "PCIe generation 3 on an H100", 4, [(_fault("pcie-gen", "gpu-003", gpu=6, gen=3), None)]
    )
    make.add(
        "case-15b", "HBM at 60 % on an H200", 4, [(_fault("slow-hbm", "gpu-002", gpu=1, fraction=0.6), None)],
        shape="hgx-h200",
    )  # fmt: skip


def _pairs_and_places(make: _Cases) -> None:
    make.add(
        "case-09", "a port that is bad in one try of three is told from a broken one", 6,
        [(_fault("rdma-fails-sometimes", "gpu-003", hca="mlx5_4"), _port("RDMA-FLAKY", "gpu-003", "mlx5_4"))],
    )  # fmt: skip
    make.add(
        "case-10", "trays of 4 GPUs and nodes of 8 in one run", 4,
        [(_fault("gpu-missing", "gpu-002", gpu=5), None), (_fault("gpu-missing", "tray-003", gpu=2), None)],
        beside=(("gb200-nvl72", 6),), also="pairs_are_alike",
    )  # fmt: skip
    make.add("case-11", "of an odd number of nodes everyone is in a pair", 5, also="everybody_is_paired")
    make.add(
        "case-12", "two bad nodes that meet in the first round are both named, nobody else", 8,
        [
            (_fault("slow-hca", name, hca="mlx5_6", fraction=0.45), _port("RDMA-BW", name, "mlx5_6"))
            for name in make.first_pair(8, per_leaf=4)
        ],
        per_leaf=4,
    )  # fmt: skip
    make.add(
        "case-13", "two cables swapped: one defect that names both ends", 4,
        [(FaultSpec("cables-swapped", ("gpu-002", "gpu-003"), Params({"hca": "mlx5_4"})), None)],
    )  # fmt: skip
    slow = tuple(f"gpu-{n:03}" for n in range(1, 5))
    at_leaf: dict[str, Scalar] = {"leaf": "leaf-03", "fraction": 0.5}
    make.add(
        "case-16", "one rail slow on one leaf is the leaf, not four nodes", 8,
        [(
            FaultSpec("slow-leaf", slow, Params(at_leaf)),
            (Place(slow, (Wanted("LEAF-SLOW", "leaf-03", HANDS_ON),)),),
        )],
        per_leaf=4,
    )  # fmt: skip


def _procedures(make: _Cases) -> None:
    make.add(
        "case-17", "killed in the middle and resumed: the same verdicts, nothing that had passed runs again", 4,
        [(_fault("slow-hca", "gpu-003", hca="mlx5_9", fraction=0.45), _port("RDMA-BW", "gpu-003", "mlx5_9"))],
        probe="killed_and_resumed",
    )  # fmt: skip
    make.add(
        "case-18", "JUnit has one case for each result and reads back alike", 4,
        [(_fault("port-rate", "gpu-002", hca="mlx5_0", rate=200), None)], also="junit_is_complete",
    )  # fmt: skip
    make.add("case-19", "program text in an inventory or profile is never run", 2, probe="inert_text")
    make.add("case-20", "one connection to a node for the whole run", 12, probe="connections")
    make.add(
        "case-20b",
        "1,000 nodes: one socket for each, the first row within a second",
        1000,
        probe="many_nodes",
    )
