"""An invented hall with one defect of every kind: its nodes, what each stage finds, and the defects. All made up.

gpu-009 has a slow port, gpu-021 lost a GPU, gpu-033 to gpu-040 carry an old driver, gpu-045 does not answer, and
gpu-051 passed only when it was tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bringup.commands import Command, Evidence
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Pair, Port, Stage, Verdict, Why

GPUS = 8
STAGES = (Stage.REACH, Stage.HOST, Stage.GPU, Stage.LINK, Stage.RDMA)
SSH = Command("echo ready", estimate_s=0.1)
SMI = Command("nvidia-smi -q -x", needs=("nvidia-smi",))
BW = Command("ib_write_bw -d mlx5_3 --report_gbits -F")
XID_LOG = b"\x1b[31mNVRM: Xid (PCI:0000:9b:00): 79\x1b[0m, GPU has fallen off the bus.\nAttached GPUs : 7\n"
REFUSED = "connection refused on port 22"
LOGIN = Limit("reach.login", "<=", 5.0, "s", why="a login takes less than this")
MEMORY = Limit(
    "host.memory.total", ">=", 980.0, "GiB", why="the data sheet: 1 TiB", source="hgx-h100.toml:14"
)
GPU_COUNT = Limit("gpu.count", "==", 8.0, why="eight GPUs by design")
GPU_MEMORY = Limit("gpu.memory.total", ">=", 79.0, "GiB")
RATE = Limit("link.rate", "==", 400.0, "Gb/s", why="NDR")
WRITE_BW = Limit("rdma.write_bw", ">=", 370.0, "Gb/s", why="94 % of the line rate", source="hgx-h100.toml:40")

Keep = Callable[[str, Stage, Command, bytes, bytes, int], Evidence]


def invented_node(index: int, name: str, rack: str, unit: str) -> Node:
    """A node with eight rails."""
    ports = tuple(Port(r, f"mlx5_{r}", f"leaf-{r + 1}", str(index), f"L{r + 1:02}-{index}") for r in range(8))
    address = f"10.2.{(index - 1) // 250}.{(index - 1) % 250 + 1}"
    return Node(name, address, rack=rack, unit=unit, profile="hgx-h100", serial=f"S{index:05}", ports=ports)


class Hall:
    """The nodes, and what the stages say about them."""

    def __init__(self, count: int, per_rack: int, *, racks: bool, keep: Keep) -> None:
        wide = max(3, len(str(count)))
        self.nodes = [
            invented_node(
                k + 1,
                f"gpu-{k + 1:0{wide}}",
                f"R{k // per_rack + 1:02}" if racks else "",
                str(2 + 4 * (k % per_rack)) if racks else "",
            )
            for k in range(count)
        ]
        self.names = [n.name for n in self.nodes]
        self.keep = keep
        self.slow, self.gpu_lost, self.lost, self.again = (
            self.names[min(k, count) - 1] for k in (9, 21, 45, 51)
        )
        self.odd = self.names[32:40]

    def outcomes(self, stage: Stage) -> Iterator[Outcome]:
        """What the checks of a stage say."""
        if stage is Stage.RDMA:
            yield from self._pairs()
            return
        say = {
            Stage.REACH: self._reach,
            Stage.HOST: self._host,
            Stage.GPU: self._gpu,
            Stage.LINK: self._link,
        }[stage]
        for node in self.nodes:
            if node.name == self.lost and stage is not Stage.REACH:
                check = {Stage.HOST: "host.memory", Stage.GPU: "gpu.inventory", Stage.LINK: "link.rate"}[
                    stage
                ]
                yield self._one(
                    check, node, Verdict.NOT_RUN, reason="quarantined in reach", why=Why.QUARANTINED
                )
            else:
                yield say(node)
        if stage is Stage.HOST:
            found = tuple(
                Finding("VERSION-MINORITY", "driver 570.86 here, 580.95 on most", n) for n in self.odd
            )
            verdict = Verdict.FAIL if found else Verdict.PASS
            yield Outcome("host.versions", stage, "fleet", tuple(self.names), verdict, findings=found)

    def _one(self, check: str, node: Node, verdict: Verdict, **more: object) -> Outcome:
        stage = Stage(check.split(".")[0])
        return Outcome(check, stage, node.name, (node.name,), verdict, (node.name,), **more)  # type: ignore[arg-type]

    def _reach(self, node: Node) -> Outcome:
        if node.name == self.lost:
            return self._one("reach.ssh", node, Verdict.ERROR, reason=REFUSED, code="NODE-UNREACHABLE")
        kept = (
            (self.keep(node.name, Stage.REACH, SSH, b"ready\n", b"", 0),)
            if node.name in self.names[:2]
            else ()
        )
        return self._one(
            "reach.ssh", node, Verdict.PASS, attempt=2 if node.name == self.again else 1,
            measurements=(Measurement("login", 0.21, "s", node.name, LOGIN),), evidence=kept,
        )  # fmt: skip

    def _host(self, node: Node) -> Outcome:
        total = Measurement("total", 995.0, "GiB", node.name, MEMORY)
        return self._one("host.memory", node, Verdict.PASS, measurements=(total,))

    def _gpu(self, node: Node) -> Outcome:
        gone = node.name == self.gpu_lost
        here = GPUS - gone
        count = Measurement("count", float(here), "", node.name, GPU_COUNT)
        memory = (Measurement("memory", 79.6, "GiB", f"{node.name}/gpu/{k}", GPU_MEMORY) for k in range(here))
        if not gone:
            return self._one("gpu.inventory", node, Verdict.PASS, measurements=(count, *memory))
        said = "Xid 79 at 09:33:12: GPU has fallen off the bus"
        kept = self.keep(node.name, Stage.GPU, SMI, XID_LOG, b"WARNING: infoROM is corrupted\n", 1)
        return self._one(
            "gpu.inventory", node, Verdict.FAIL, measurements=(count, *memory),
            findings=(Finding("GPU-XID", said, f"{node.name}/gpu/5"),), evidence=(kept,),
        )  # fmt: skip

    def _link(self, node: Node) -> Outcome:
        rates = tuple(Measurement("rate", 400.0, "Gb/s", port_of(node.name, p.hca), RATE) for p in node.ports)
        return self._one("link.rate", node, Verdict.PASS, measurements=rates)

    def _pairs(self) -> Iterator[Outcome]:
        half = len(self.nodes) // 2
        for turn in (1, 2, 3):
            for k in range(half):
                yield self._pair(Pair(self.nodes[k], self.nodes[half + (k + turn) % half], 3, turn))

    def _pair(self, pair: Pair) -> Outcome:
        names = (pair.a.name, pair.b.name)
        at = tuple(port_of(n, "mlx5_3") for n in names)
        head = ("rdma.write-bw", Stage.RDMA, pair.key, names)
        if self.lost in names:
            return Outcome(*head, Verdict.NOT_RUN, at, reason="no partner", why=Why.NO_PARTNER)
        if self.slow not in names:
            fast = Measurement("write_bw", 391.2, "Gb/s", " ~ ".join(at), WRITE_BW)
            return Outcome(*head, Verdict.PASS, at, measurements=(fast,))
        said = " #bytes BW average[Gb/sec]\n 65536 187.4 on {}\n"
        kept = tuple(self.keep(n, Stage.RDMA, BW, said.format(n).encode(), b"", 0) for n in names)
        slow = Measurement("write_bw", 187.4, "Gb/s", " ~ ".join(at), WRITE_BW)
        return Outcome(*head, Verdict.FAIL, at, measurements=(slow,), evidence=kept)

    # ------------------------------------------------------------------------------------------ defects

    def defects(self, stage: Stage) -> list[Defect]:
        """The list of defects as it stands after a stage."""
        found = [self._unreachable(), self._versions(), self._gpu_gone(), None, self._slow_port()]
        return [d for d in found[: STAGES.index(stage) + 1] if d is not None][::-1]

    def place(self, name: str) -> str:
        return self.nodes[self.names.index(name)].place

    def _unreachable(self) -> Defect:
        return Defect(
            "D-90B2", "NODE-UNREACHABLE", Who.COULD_NOT_JUDGE, Severity.ISOLATE, self.lost, (self.lost,),
            "the node does not answer", "look at its BMC, then at its management cable",
            place=self.place(self.lost), measured=REFUSED,
            explains=(Symptom("reach.ssh", self.lost, "NODE-UNREACHABLE", self.lost, REFUSED),),
        )  # fmt: skip

    def _versions(self) -> Defect | None:
        if not self.odd:
            return None
        said = "driver 570.86 on 8 nodes"
        return Defect(
            "D-5AA1", "VERSION-MINORITY", Who.CONFIGURATION, Severity.REBOOT, self.odd[0], tuple(self.odd),
            "another driver than most nodes", "re-image the minority", measured="driver 570.86",
            expected="580.95 (on most)", stage=Stage.HOST, components=tuple(self.odd),
            explains=(Symptom("host.versions", "fleet", "VERSION-MINORITY", self.odd[0], said),),
        )  # fmt: skip

    def _gpu_gone(self) -> Defect:
        at, said = f"{self.gpu_lost}/gpu/5", "Xid 79 at 09:33:12: GPU has fallen off the bus"
        return Defect(
            "D-11C0", "GPU-XID", Who.HANDS_ON, Severity.ISOLATE, at, (self.gpu_lost,), "GPU 5 fell off the bus",
            "drain the power and reseat the baseboard; if it returns, replace the GPU tray",
            place=self.place(self.gpu_lost), measured="Xid 79 at 09:33:12; 7 of 8 GPUs", expected="8 GPUs",
            stage=Stage.GPU, components=(at,),
            explains=(Symptom("gpu.inventory", self.gpu_lost, "GPU-XID", at, said),),
        )  # fmt: skip

    def _slow_port(self) -> Defect:
        at, said = port_of(self.slow, "mlx5_3"), "write_bw 187.4 Gb/s, needs at least 370 Gb/s"
        failed = [o for o in self._pairs() if o.verdict is Verdict.FAIL]
        return Defect(
            "D-7F3A", "RDMA-BW", Who.HANDS_ON, Severity.ISOLATE, at, (self.slow,), "a port is slower than its link",
            f"clean and reseat the optic at {self.slow} mlx5_3; if it stays, swap cables",
            place=self.place(self.slow), far_end="leaf-4 port 9", cable="L04-9", measured="write_bw 187.4 Gb/s",
            expected="at least 370 Gb/s", stage=Stage.RDMA, components=(at,),
            explains=tuple(Symptom(o.check, o.target, "RDMA-BW", at, said) for o in failed),
            ruled_out=("the partners: each is fast with another node",),
        )  # fmt: skip


def port_of(node: str, hca: str) -> str:
    return f"{node}/hca/{hca}/port/1"
