"""Containers on a node, whichever runtime keeps them: running ones, and those that ended and were never removed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

CONTAINERS = Command(
    """list() {
  command -v "$1" >/dev/null 2>&1 || return 0
  echo "== $1"
  "$@" 2>"$TMP"/said
  echo "== status $? $(tr -c '[:print:]' ' ' <"$TMP"/said | cut -c 1-300)"
}
list docker ps -a --format '{{.ID}}|{{.Status}}|{{.Image}}|{{.Names}}'
list podman ps -a --format '{{.ID}}|{{.Status}}|{{.Image}}|{{.Names}}'
list nerdctl ps -a --format '{{.ID}}|{{.Status}}|{{.Image}}|{{.Names}}'
list crictl ps -a -o json
list enroot list
echo "== end"
""",
    root=True,
    timeout_s=30.0,
    max_bytes=4 << 20,
    estimate_s=0.5,
)

_STATUS = re.compile(r"== status (?P<status>[0-9]{1,3})(?P<said>.*)")
_RUNTIME = re.compile(r"== (?P<name>docker|podman|nerdctl|crictl|enroot)")
_DOWN = re.compile(
    r"Cannot connect to|Is the docker daemon running|connection refused|no such file or directory", re.I
)
_KUBERNETES = re.compile(r"k8s_[^_]*_[^_]*_(?P<namespace>[^_]+)_")


@dataclass(frozen=True, slots=True)
class Container:
    """One container. `namespace` is Kubernetes' word for whose it is; empty outside of it."""

    runtime: str
    id: str
    status: str
    image: str
    name: str
    namespace: str = ""

    @property
    def removal(self) -> str:
        """The command that removes it."""
        if self.runtime == "enroot":
            return f"enroot remove -f {self.name}"
        return f"{self.runtime} rm -f {self.id[:12]}"


@dataclass(frozen=True, slots=True)
class Runtimes:
    """`containers` of all runtimes that are installed. `down` are those whose daemon does not run, `failed` says why
    another could not be asked."""

    names: tuple[str, ...]
    containers: tuple[Container, ...]
    down: tuple[str, ...]
    failed: Mapping[str, str]


def parse(text: str) -> Runtimes:
    """The answer of CONTAINERS. Raises ParseError if it is cut off or not understood."""
    lines = text.splitlines()
    if not lines or lines[-1] != "== end":
        raise ParseError(f"containers: the answer {quoted(text)} is cut off")
    names: list[str] = []
    down: list[str] = []
    failed: dict[str, str] = {}
    found: dict[str, Container] = {}
    runtime, body = "", list[str]()
    for line in lines[:-1]:
        if end := _STATUS.fullmatch(line):
            said = end["said"].strip()
            if end["status"] == "0":
                found |= {c.id: c for c in _read(runtime, body) if c.id not in found}
            elif _DOWN.search(said):
                down.append(runtime)
            else:
                failed[runtime] = said or f"status {end['status']}"
            runtime, body = "", []
        elif not runtime and (head := _RUNTIME.fullmatch(line)):
            runtime = head["name"]
            names.append(runtime)
        elif runtime:
            body.append(line)
        else:
            raise ParseError(f"containers: {quoted(line)} belongs to no runtime")
    if runtime:
        raise ParseError(f"containers: the answer of {runtime} is cut off")
    return Runtimes(tuple(names), tuple(found.values()), tuple(down), failed)


def _read(runtime: str, body: list[str]) -> list[Container]:
    if runtime == "crictl":
        return _kubernetes("\n".join(body))
    rows = [line for line in body if line.strip()]
    if runtime == "enroot":
        return [Container(runtime, f"enroot:{row.strip()}", "kept", "", row.strip()) for row in rows]
    return [_row(runtime, row) for row in rows]


def _row(runtime: str, line: str) -> Container:
    cells = line.split("|")
    if len(cells) != 4 or not re.fullmatch(r"[0-9a-f]{6,64}", cells[0]):
        raise ParseError(f"containers: {runtime} printed {quoted(line)}")
    own = _KUBERNETES.match(cells[3])
    return Container(runtime, cells[0], cells[1], cells[2], cells[3], own["namespace"] if own else "")


class _Metadata(msgspec.Struct):
    name: str


class _Image(msgspec.Struct):
    image: str = ""


class _Listed(msgspec.Struct):
    id: str
    metadata: _Metadata
    image: _Image
    state: str = ""
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class _List(msgspec.Struct):
    containers: list[_Listed]


def _kubernetes(text: str) -> list[Container]:
    try:
        listed = msgspec.json.decode(text, type=_List)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ParseError(f"containers: crictl printed {quoted(text)} ({error})") from None
    return [
        Container(
            "crictl",
            one.id,
            one.state.removeprefix("CONTAINER_").lower(),
            one.image.image,
            one.metadata.name,
            one.labels.get("io.kubernetes.pod.namespace", ""),
        )
        for one in listed.containers
    ]
