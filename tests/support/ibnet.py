"""A small InfiniBand fabric in words: what is plugged into what, as ibsim reads it and as ibnetdiscover prints it.

Hosts have one adapter for each rail, leaves one rail each, and every leaf has as many links to each spine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bringup.model import Node, Port

_SWITCH_GUID, _HCA_GUID = 0x0C42A10300200000, 0x0C42A10300100000


@dataclass
class Net:
    """`ends` holds the leaf and port of each (host, rail); change it to plug a cable elsewhere."""

    nodes: int = 4
    rails: int = 2
    spines: int = 2
    uplinks: int = 2
    ports: int = 40
    speed: str = "NDR"
    ends: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for n in range(1, self.nodes + 1):
            for rail in range(self.rails):
                self.ends[f"gpu-{n}", rail] = (f"leaf-{rail}", n)

    @property
    def plan(self) -> tuple[Node, ...]:
        """The nodes with the plan of a net in which nothing was moved."""
        return tuple(
            Node(
                f"gpu-{n}",
                profile="test",
                rack="R01",
                ports=tuple(
                    Port(r, f"mlx5_{r}", f"leaf-{r}", str(n), f"L{r}-{n}") for r in range(self.rails)
                ),
            )
            for n in range(1, self.nodes + 1)
        )

    def exchange(self, a: tuple[str, int], b: tuple[str, int]) -> None:
        """Two cables in each other's place."""
        self.ends[a], self.ends[b] = self.ends[b], self.ends[a]

    def guid(self, host: str, rail: int) -> str:
        """The node GUID of an adapter; ibsim counts two for each."""
        return f"{_HCA_GUID + 2 * list(self.ends).index((host, rail)):016x}"

    def port_guid(self, host: str, rail: int) -> str:
        """The GUID of an adapter's port, which `iblinkinfo -l` shows."""
        return f"{int(self.guid(host, rail), 16) + 1:016x}"

    def _switch_guid(self, name: str) -> str:
        return f"{_SWITCH_GUID + self._switches().index(name):016x}"

    def _switches(self) -> list[str]:
        return [*(f"leaf-{r}" for r in range(self.rails)), *(f"spine-{s}" for s in range(self.spines))]

    def _links(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Both directions of every link, by name and port; an adapter's name is host and rail."""
        found: dict[tuple[str, int], tuple[str, int]] = {}
        pairs = [((f"{host} mlx5_{rail}", 1), end) for (host, rail), end in self.ends.items()]
        for rail in range(self.rails):
            for k in range(self.spines * self.uplinks):
                spine = (f"spine-{k % self.spines}", rail * self.uplinks + k // self.spines + 1)
                pairs.append(((f"leaf-{rail}", self.ports // 2 + k + 1), spine))
        for a, b in pairs:
            found[a], found[b] = b, a
        return found

    def ibsim(self) -> str:
        """The file that `ibsim` simulates."""
        links = self._links()
        lines = ["devid=0xd2f2", f"switchguids=0x{_SWITCH_GUID:016x}", ""]
        for name in self._switches():
            lines.append(f'Switch\t{self.ports} "{name}"\t\t# "{name}" enhanced port 0 lid 0 lmc 0')
            lines += [
                f'[{p}]\t"{far}"[{q}]\t\t# "{far}" lid 0 4x{self.speed}'
                for (own, p), (far, q) in links.items()
                if own == name
            ]
            lines.append("")
        lines += ["devid=0x101b", f"hcaguids=0x{_HCA_GUID:016x}", ""]
        for host, rail in self.ends:
            name = f"{host} mlx5_{rail}"
            far, q = links[name, 1]
            lines += [
                f'Ca\t1 "{name}"\t\t# "{name}"',
                f'[1]\t"{far}"[{q}]\t\t# "{far}" lid 0 4x{self.speed}',
                "",
            ]
        return "\n".join(lines)

    def ibnetdiscover(self) -> str:
        """What `ibnetdiscover` prints about it."""
        links = self._links()
        guids = {f"{host} mlx5_{rail}": self.guid(host, rail) for host, rail in self.ends}
        codes = {name: f"S-{self._switch_guid(name)}" for name in self._switches()}
        codes |= {name: f"H-{guid}" for name, guid in guids.items()}
        first = self.guid("gpu-1", 0)
        lines = [f"# Initiated from node {first} port {first}", ""]
        for name, code in codes.items():
            is_switch = code.startswith("S")
            mine = sorted((p, far) for (own, p), far in links.items() if own == name)
            lines.append(f"{'switch' if is_switch else 'ca'}guid=0x{code[2:]}")
            tail = " enhanced port 0 lid 1 lmc 0" if is_switch else ""
            lines.append(
                f'{"Switch" if is_switch else "Ca"}\t{self.ports if is_switch else 1} "{code}"\t\t# "{name}"{tail}'
            )
            for p, (far, q) in mine:
                own = "" if is_switch else f"({code[2:]})"
                theirs = "" if codes[far].startswith("S") else f"({codes[far][2:]})"
                lid = "" if is_switch else "lid 1 lmc 0 "
                lines.append(
                    f'[{p}]{own} \t"{codes[far]}"[{q}]{theirs} \t\t# {lid}"{far}" lid 1 4x{self.speed}'
                )
            lines.append("")
        return "\n".join(lines)
