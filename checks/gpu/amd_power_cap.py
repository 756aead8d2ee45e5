"""Has somebody lowered the power limit of an AMD GPU?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, steady
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import bdf, pci_sysfs
from bringup.parsers.gpu_faults import GPU_POWER_CAP
from bringup.parsers.pci_place import Places
from bringup.parsers.reading import quoted

CAPS = steady(
    Command(
        'cd "$ROOT"/sys/bus/pci/devices && '
        "grep -Hs . */hwmon/hwmon*/power1_cap */hwmon/hwmon*/power1_cap_default; echo end",
        max_bytes=256 << 10,
    )
)
_LINE = re.compile(rf"({bdf.PATTERN})/hwmon/hwmon[0-9]{{1,4}}/power1_(cap|cap_default):([0-9]{{1,12}})")
_MICROWATTS_PER_W = 1_000_000


class AmdPowerCap(Check[Node]):
    """The power limit of every AMD GPU is at least its own default.

    From the files of the kernel's driver (`power1_cap` and `power1_cap_default` of its hwmon, in microwatts). Where the
    driver shows them for no GPU, as for virtual functions, there is nothing to judge.
    """

    id = "gpu.amd-power-cap"
    stage = Stage.GPU
    faults = (GPU_POWER_CAP,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "amd")
        return run(target, CAPS, pci_sysfs.DEVICES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        caps = parse(out.text(target, CAPS))
        devices = pci_sysfs.parse(out.text(target, pci_sysfs.DEVICES))
        places = Places(target.name, None, devices)
        gpus = [d for d in devices if d.is_gpu and d.answers]
        silent: list[str] = []
        for gpu in gpus:
            set_to, default = (caps.get((gpu.address, name)) for name in ("cap", "cap_default"))
            if set_to is None or default is None:
                silent.append(bdf.short(gpu.address))
                continue
            rule = Limit("gpu.power.limit", ">=", default, "W", why="the GPU's own default", source="rule")
            yield Measurement("gpu.power.limit", set_to, "W", places.of(gpu), rule)
        if gpus and len(silent) == len(gpus):
            raise NotApplicable("the driver shows the power limit of no GPU")
        if silent:
            raise CannotJudge(f"power limit and its default not reported by {', '.join(silent)}")
        if len(gpus) < expected:
            said = f"only {len(gpus)} of {expected} GPUs answer, the others are not judged"
            raise CannotJudge(said, code="GPU-MISSING")


def parse(text: str) -> dict[tuple[str, str], float]:
    """Watts by PCI address and file (`cap`, `cap_default`). Raises ParseError if the answer is cut off."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"/sys/bus/pci/devices: the answer {quoted(text)} is cut off")
    found: dict[tuple[str, str], float] = {}
    for line in lines[:-1]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"/sys/bus/pci/devices gave {quoted(line)}")
        found[bdf.normalise(match[1]), match[2]] = int(match[3]) / _MICROWATTS_PER_W
    return found
