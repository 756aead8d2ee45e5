"""What the driver's tool tells of each GPU once a second while a test loads it, and how nvidia-smi says it.

A sample counts as one under load where the GPU itself says that it was busy: the first ones are taken while programs
still start. NVIDIA's drivers before 535 call the reasons for lower clocks by another name.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bringup.errors import ParseError
from bringup.parsers import bdf, nvidia_smi_csv
from bringup.parsers.nvidia_smi_csv import Row
from bringup.parsers.reading import number, quoted, whole, whole_or_hex

BUSY_PERCENT = 80
"""Below this a GPU was not fully loaded in the moments before a sample: a rule of this project."""
HARDWARE = {
    0x08: "hw slowdown",
    0x40: "hw thermal slowdown",
    0x80: "hw power brake slowdown",
}
SOFTWARE_THERMAL_BIT = 0x20
HANGS = 124
"""What `timeout` ends with."""
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_FIELDS = (
    "index,pci.bus_id,utilization.gpu,pcie.link.gen.current,pcie.link.width.current,clocks.sm,clocks.max.sm,"
    "temperature.gpu,temperature.memory,power.draw,enforced.power.limit"
)

LIST, SAMPLE = "list", "sample"
BEFORE, BEHIND = "before", "behind"
_LIST_S = 30


@dataclass(frozen=True, slots=True)
class Driver:
    """How the tool of a driver is asked: for the GPUs, for a sample, and in the words of older releases.

    A good sample has a line that matches `good`; `shown` prints the file of one. `counts` is what is asked once before
    the load and once behind it.
    """

    tool: str
    gpus: str
    sample: str
    older: str
    good: str
    shown: str = "cat"
    counts: str = ""


NVIDIA = Driver(
    "nvidia-smi",
    "nvidia-smi --query-gpu=index,pci.bus_id --format=csv",
    f"nvidia-smi --query-gpu={_FIELDS},{_REASONS[0]} --format=csv,nounits",
    f"nvidia-smi --query-gpu={_FIELDS},{_REASONS[1]} --format=csv,nounits",
    "^index",
)


def listed(driver: Driver = NVIDIA) -> str:
    """Prints the numbers of the GPUs and their PCI addresses. Where the tool hangs, nothing else of a script is run."""
    return f"""limit=
command -v timeout >/dev/null 2>&1 && limit='timeout {_LIST_S}'
if command -v {driver.tool} >/dev/null 2>&1; then
  echo '@bringup begin {LIST}'
  $limit {driver.gpus}
  status=$?
  echo '@bringup end {LIST}' $status
  [ $status != {HANGS} ] || exit {HANGS}
fi
"""


def around(script: str, driver: Driver = NVIDIA, every_s: int = 1) -> str:
    """`script`, below `listed`, with samples taken beside it, which are printed behind its output as parts named SAMPLE.

    The sample that is being taken when the script ends is still finished, because of a short load it may be the only
    one. What the tool says by its exit status is left out: a corrupt infoROM changes that of every call of nvidia-smi.
    """
    return (
        ': >"$TMP/samples"\n'
        f'ask="{driver.sample}" sampler= stop= nap=\n'
        f"{_counts(driver, BEFORE)}"
        f"if command -v {driver.tool} >/dev/null 2>&1; then\n"
        "  (trap 'stop=1; kill \"$nap\" 2>/dev/null' TERM\n"
        '  while [ -z "$stop" ]; do\n'
        '    $limit $ask >"$TMP/sample" 2>/dev/null\n'
        f"    if grep -q '{driver.good}' \"$TMP/sample\"; then\n"
        f'      echo "@bringup begin {SAMPLE}"\n'
        f'      {driver.shown} "$TMP/sample"\n'
        f'      echo "@bringup end {SAMPLE} 0"\n'
        f'    elif [ "$ask" = "{driver.sample}" ] && [ "{driver.older}" ]; then\n'
        f'      ask="{driver.older}"\n'
        "      continue\n"
        "    fi\n"
        f"    sleep {every_s} &\n"
        "    nap=$!\n"
        "    wait $nap\n"
        '  done >>"$TMP/samples" 2>/dev/null) &\n'
        "  sampler=$!\n"
        "fi\n"
        f"{script if script.endswith(chr(10)) else script + chr(10)}"
        'if [ "$sampler" ]; then\n'
        '  kill "$sampler" 2>/dev/null\n'
        '  wait "$sampler"\n'
        "fi\n"
        'cat "$TMP/samples"\n'
        f"{_counts(driver, BEHIND)}"
    )


def _counts(driver: Driver, name: str) -> str:
    if not driver.counts:
        return ""
    return (
        f"if command -v {driver.tool} >/dev/null 2>&1; then\n"
        f"  echo '@bringup begin {name}'\n"
        f'  $limit {driver.counts} >"$TMP/counts" 2>/dev/null\n'
        "  status=$?\n"
        f'  {driver.shown} "$TMP/counts"\n'
        f"  echo '@bringup end {name}' $status\n"
        "fi\n"
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One GPU at one moment. None: not reported. `reasons` are the bits of NVIDIA's driver for why clocks are not higher."""

    index: int
    address: str
    busy_percent: float | None
    pcie_gen: int | None
    pcie_width: int | None
    sm_mhz: float | None
    sm_max_mhz: float | None
    temperature_c: float | None
    memory_c: float | None
    power_w: float | None
    power_limit_w: float | None
    reasons: int | None


@dataclass(frozen=True, slots=True)
class Series:
    """One GPU: `samples` are those that were taken under load; `pcie_gen` and `pcie_width` the best of all samples,
    because while copies are made a GPU does not count as busy.

    `held` are the reasons for which the hardware itself held the clocks down, None where nobody told any; `cooled` is
    whether the driver did so to cool the GPU.
    """

    index: int
    address: str
    samples: tuple[Sample, ...]
    pcie_gen: int | None
    pcie_width: int | None
    held: tuple[str, ...] | None
    cooled: bool = False

    def highest(self, read: Callable[[Sample], float | None]) -> float | None:
        """The highest value; None where no sample has one."""
        return max(self._values(read), default=None)

    def median(self, read: Callable[[Sample], float | None]) -> float | None:
        """The value in the middle; None where no sample has one."""
        values = self._values(read)
        return statistics.median(values) if values else None

    def _values(self, read: Callable[[Sample], float | None]) -> list[float]:
        return [value for sample in self.samples if (value := read(sample)) is not None]


def parse(texts: Iterable[str]) -> tuple[Series, ...]:
    """The GPUs of some samples in their order, each with its samples under load. Raises ParseError."""
    found: dict[str, list[Sample]] = {}
    for text in texts:
        for sample in (_sample(row) for row in nvidia_smi_csv.parse(text)):
            found.setdefault(sample.address, []).append(sample)
    return tuple(sorted((_series(samples) for samples in found.values()), key=lambda one: one.index))


def _series(samples: list[Sample]) -> Series:
    told = [s.reasons for s in samples if s.reasons is not None and is_busy(s)]
    bits = 0
    for one in told:
        bits |= one
    held = tuple(name for bit, name in HARDWARE.items() if bits & bit) if told else None
    return series(samples, held, cooled=bool(bits & SOFTWARE_THERMAL_BIT))


def is_busy(sample: Sample) -> bool:
    """Whether a GPU was at work in the moments before a sample."""
    return (sample.busy_percent or 0) >= BUSY_PERCENT


def series(samples: Sequence[Sample], held: tuple[str, ...] | None, *, cooled: bool = False) -> Series:
    """All samples of one GPU."""
    return Series(
        index=samples[0].index,
        address=samples[0].address,
        samples=tuple(s for s in samples if is_busy(s)),
        pcie_gen=max((s.pcie_gen for s in samples if s.pcie_gen is not None), default=None),
        pcie_width=max((s.pcie_width for s in samples if s.pcie_width is not None), default=None),
        held=held,
        cooled=cooled,
    )


def parse_list(text: str) -> tuple[tuple[int, str], ...]:
    """Number and PCI address of each GPU in an answer of `listed`, in the order in which CUDA counts them by address."""
    rows = [(_index(row), _address(row)) for row in nvidia_smi_csv.parse(text)]
    return tuple(sorted(rows, key=lambda row: row[1]))


def _sample(row: Row) -> Sample:
    bits = next((row[name] for name in _REASONS if name in row), None)
    return Sample(
        index=_index(row),
        address=_address(row),
        busy_percent=_figure(row, "utilization.gpu"),
        pcie_gen=_count(row, "pcie.link.gen.current"),
        pcie_width=_count(row, "pcie.link.width.current"),
        sm_mhz=_figure(row, "clocks.current.sm", "clocks.sm"),
        sm_max_mhz=_figure(row, "clocks.max.sm"),
        temperature_c=_figure(row, "temperature.gpu"),
        memory_c=_figure(row, "temperature.memory"),
        power_w=_figure(row, "power.draw"),
        power_limit_w=_figure(row, "enforced.power.limit"),
        reasons=whole_or_hex(bits, "reasons for lower clocks") if bits is not None else None,
    )


def _cell(row: Row, *names: str) -> str | None:
    name = next((name for name in names if name in row), None)
    if name is None:
        raise ParseError(f"nvidia-smi printed no column {quoted(names[0])}")
    return row[name]


def _index(row: Row) -> int:
    return whole(_cell(row, "index") or "", "index of a GPU")


def _address(row: Row) -> str:
    return bdf.normalise(_cell(row, "pci.bus_id") or "")


def _figure(row: Row, *names: str) -> float | None:
    text = _cell(row, *names)
    return None if text is None else number(text, names[0])


def _count(row: Row, *names: str) -> int | None:
    text = _cell(row, *names)
    return None if text is None else whole(text, names[0])
