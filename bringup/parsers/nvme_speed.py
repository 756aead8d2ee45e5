"""How fast the local NVMe drives read: fio where it is installed, else dd. Nothing is ever written to a drive.

The drives are those that the kernel lists on PCIe and calls live; their names come from there and are checked before they reach a
command. All drives read at the same time.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import inside
from bringup.parsers.inside import Section
from bringup.parsers.reading import number, quoted, whole
from bringup.parsers.reading_json import document_among_lines, figure, items, mapping

FIO, DD = "fio", "dd"
_DD_MIB = 2048
_DRIVES = r"""cd "$ROOT"/sys/class/nvme 2>/dev/null || { echo '@bringup end drives 0'; exit 0; }
set --
for controller in nvme[0-9]*; do
  case $controller in *[!a-z0-9]*) continue ;; esac
  [ "$(cat "$controller/transport" 2>/dev/null)" = pcie ] || continue
  case $(cat "$controller/state" 2>/dev/null) in live | '') ;; *) continue ;; esac
  name=${controller}n1
  [ -e "$ROOT/dev/$name" ] || continue
  echo "drive $name $(cat "$controller/model" 2>/dev/null)"
  set -- "$@" "$name"
done
cd "$TMP"
echo '@bringup end drives 0'
"""
_NAME = re.compile(r"nvme[0-9]{1,4}n1")
_DD_BYTES = re.compile(
    r"(?P<bytes>[0-9]{1,18}) bytes (?:\([^()]{1,40}\) )?copied, (?P<seconds>[0-9.e+-]{1,20}) s(?:econds)?\b.*"
)


def read(seconds: int, fio: str = "fio") -> Command:
    """Reads every drive for some seconds in large blocks, past the page cache."""
    jobs = (
        f'for name in "$@"; do\n'
        f'  {shlex.quote(fio)} --name="$name" --filename="$ROOT/dev/$name" --readonly --rw=read --direct=1 --bs=1M'
        f" --iodepth=32 --ioengine=libaio --time_based --runtime={seconds:d} --output-format=json"
        ' >"$TMP/out.$name" 2>"$TMP/err.$name" &\n'
        "done\n"
    )
    plain = (
        f'for name in "$@"; do\n'
        f'  dd if="$ROOT/dev/$name" of=/dev/null bs=8M count={_DD_MIB // 8:d} iflag=direct >"$TMP/out.$name" 2>&1 &\n'
        "done\n"
    )
    show = (
        "wait\n"
        'for name in "$@"; do\n'
        '  echo "@bringup begin {tool}/$name"\n'
        '  cat "$TMP/out.$name"\n'
        '  [ -s "$TMP/out.$name" ] || cat "$TMP/err.$name"\n'
        "  echo\n"
        '  echo "@bringup end {tool}/$name 0"\n'
        "done\n"
    )
    script = f"echo '@bringup begin drives'\n{_DRIVES}" + inside.lookup(
        fio, jobs + show.format(tool=FIO), otherwise=plain + show.format(tool=DD)
    )
    return Command(
        script, timeout_s=60.0 + seconds, max_bytes=4 << 20, root=True, alone=True, estimate_s=seconds + 1.0
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive and what it read in GB/s (10^9). None: `why` says why there is no number."""

    name: str
    model: str
    gbs: float | None
    why: str = ""


def parse(text: str) -> tuple[Drive, ...]:
    """The drives in an answer of `read`; none is an answer too. Raises ParseError where it is cut off."""
    found = inside.parse(text)
    listed = found.one("drives")
    if listed is None or listed.status is None:
        raise ParseError(f"the list of NVMe drives is cut off: {quoted(text)}")
    drives: list[Drive] = []
    for line in listed.text.splitlines():
        word, _, rest = line.partition(" ")
        name, _, model = rest.partition(" ")
        if word != "drive" or not _NAME.fullmatch(name):
            raise ParseError(f"NVMe drives: {quoted(line)} is not known")
        drives.append(_drive(name, " ".join(model.split())[:60] or "unknown model", found.parts))
    return tuple(drives)


def _drive(name: str, model: str, parts: tuple[Section, ...]) -> Drive:
    part = next((p for p in parts if p.name in (f"{FIO}/{name}", f"{DD}/{name}")), None)
    if part is None or part.status is None:
        raise ParseError(f"the reading of {name} is cut off")
    if part.name.startswith(FIO):
        return _fio(name, model, part.text)
    rows = [m for line in part.text.splitlines() if (m := _DD_BYTES.fullmatch(line.strip()))]
    if not rows:
        return Drive(name, model, None, " ".join(part.text.split())[-120:] or "dd printed nothing")
    size, seconds = whole(rows[-1]["bytes"], "dd bytes"), number(rows[-1]["seconds"], "dd seconds")
    if size < 1 or seconds <= 0:
        return Drive(name, model, None, f"dd read {size} bytes")
    return Drive(name, model, size / seconds / 1e9)


def _fio(name: str, model: str, text: str) -> Drive:
    if "{" not in text:
        return Drive(name, model, None, " ".join(text.split())[-120:] or "fio printed nothing")
    jobs = items(mapping(document_among_lines(text, "fio"), "fio: the document").get("jobs"), "fio: jobs")
    if len(jobs) != 1:
        raise ParseError(f"fio tells of {len(jobs)} jobs on {name}, needed one")
    job = mapping(jobs[0], "fio: a job")
    if job.get("error"):
        return Drive(name, model, None, f"fio ended with error {job['error']}")
    reading = mapping(job.get("read"), "fio: read")
    gbs = figure(reading.get("bw_bytes"), "fio: bw_bytes") / 1e9
    return Drive(name, model, gbs) if gbs > 0 else Drive(name, model, None, "fio read nothing")
