"""gpu_burn: all GPUs of a node under full load, with results compared all the time.

The verdict stands at the very end; without it the run says nothing. Progress lines are glued together by carriage
returns and mixed with what the children print. At the start only the first GPU has figures. An error count starts
again at each summary, and GPUs may do unequal amounts of work.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_GPU = re.compile(r"GPU (?P<index>[0-9]{1,3}): (?P<name>.{1,80}?) \(UUID: (?P<uuid>GPU-[0-9a-fA-F-]{8,40})\)")
_PROGRESS = re.compile(
    r"(?P<percent>[0-9]{1,3}\.[0-9]{1,2})%\s+proc'd: (?P<calcs>.{1,4000}?)\s+errors: (?P<errors>.{1,4000}?)\s+"
    r"temps: (?P<temps>.{1,4000})"
)
_CALC = re.compile(r"-?[0-9]{1,12} \((?P<gflops>[0-9]{1,12}) Gflop/s\)")
_ERROR = re.compile(r"(?P<count>-?[0-9]{1,12})\s*(?:\((?:WARNING|DIED)!\))?")
_TEMP = re.compile(r"(?P<c>[0-9]{1,3}) C|--")
_TESTED = re.compile(r"Tested (?P<count>[0-9]{1,3}) GPUs:")
_VERDICT = re.compile(r"GPU (?P<index>[0-9]{1,3}): (?P<word>OK|FAULTY)")


def burn(seconds: int, binary: str = "gpu_burn") -> Command:
    """Loads all GPUs for some seconds with tensor cores. The program looks for its kernel in its own folder."""
    name = shlex.quote(binary)
    return Command(
        f'cd "$(dirname "$(command -v {name})")" && {name} -tc {seconds:d}',
        needs=(binary,),
        timeout_s=seconds + 120.0,
        max_bytes=64 << 20,
        alone=True,
        estimate_s=seconds + 15.0,
    )


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. None: not printed.

    `ok` is the program's verdict. `gflops` is the last figure, `most_errors` the highest count of any interval,
    `hottest_c` the highest temperature; `died` means that its process ended before the others.
    """

    index: int
    ok: bool
    name: str | None = None
    uuid: str | None = None
    gflops: float | None = None
    most_errors: int | None = None
    hottest_c: int | None = None
    died: bool = False


@dataclass(slots=True)
class _Seen:
    gflops: float | None = None
    most_errors: int | None = None
    hottest_c: int | None = None
    died: bool = False


def parse(text: str) -> tuple[Gpu, ...]:
    """The GPUs with their verdicts. Raises ParseError where the run ended without one."""
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    verdicts = _verdicts(lines)
    named = {int(m["index"]): m for line in lines if (m := _GPU.fullmatch(line))}
    seen = {index: _Seen() for index in verdicts}
    for line in lines:
        if progress := _PROGRESS.fullmatch(line):
            _look(progress, [seen[index] for index in sorted(seen)])
    return tuple(
        Gpu(
            index=index,
            ok=ok,
            name=named[index]["name"] if index in named else None,
            uuid=named[index]["uuid"] if index in named else None,
            gflops=seen[index].gflops,
            most_errors=seen[index].most_errors,
            hottest_c=seen[index].hottest_c,
            died=seen[index].died,
        )
        for index, ok in sorted(verdicts.items())
    )


def _verdicts(lines: list[str]) -> Mapping[int, bool]:
    """The list at the end. Repeated or missing GPUs mean that it is not whole."""
    start = max((i for i, line in enumerate(lines) if _TESTED.fullmatch(line)), default=None)
    if start is None:
        raise ParseError(f"gpu_burn: no verdict; it did not finish: {quoted(' '.join(lines)[-80:])}")
    tested = _TESTED.fullmatch(lines[start])
    found = [m for line in lines[start + 1 :] if (m := _VERDICT.fullmatch(line))]
    verdicts = {int(m["index"]): m["word"] == "OK" for m in found}
    count = int(tested["count"]) if tested else 0
    if not count or len(found) != count or len(verdicts) != count:
        raise ParseError(
            f"gpu_burn tested {count} GPUs and gave {len(found)} verdicts; the output is cut off"
        )
    return verdicts


def _look(progress: re.Match[str], gpus: list[_Seen]) -> None:
    """Takes one progress line; one that something else was printed into does not fit and is left out."""
    calcs = [_CALC.fullmatch(cell.strip()) for cell in progress["calcs"].split(" - ")]
    errors = [_ERROR.fullmatch(cell.strip()) for cell in progress["errors"].split(" - ")]
    temps = [_TEMP.fullmatch(cell.strip()) for cell in progress["temps"].split(" - ")]
    if not len(calcs) == len(errors) == len(temps) == len(gpus):
        return
    for gpu, calc, error, temp in zip(gpus, calcs, errors, temps, strict=True):
        if calc is None or error is None or temp is None:
            continue
        gpu.gflops = float(calc["gflops"])
        gpu.died = gpu.died or "DIED" in error[0]
        gpu.most_errors = max(gpu.most_errors or 0, int(error["count"]))
        if temp["c"]:
            gpu.hottest_c = max(gpu.hottest_c or 0, int(temp["c"]))
