"""Where a test's programs run: on the node itself, or inside a container of the node.

One place for all checks that run tests, so that a container changes nothing in their scripts. Nothing is pulled: the
image must be on the node. Image and options come from people and reach the shell only quoted.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from bringup.errors import ParseError
from bringup.parsers.reading import quoted

RUNNERS = ("docker", "podman", "enroot", "apptainer")
_DAEMON = ("docker", "podman")
_AMD = "--device /dev/kfd --device /dev/dri --group-add video --security-opt seccomp=unconfined"
_GPUS = {
    ("docker", "nvidia"): "--gpus all",
    ("podman", "nvidia"): "--device nvidia.com/gpu=all",
    ("docker", "amd"): _AMD,
    ("podman", "amd"): _AMD,
    ("apptainer", "nvidia"): "--nv",
    ("apptainer", "amd"): "--rocm",
}
_MARK = "@bringup"


@dataclass(frozen=True, slots=True)
class Place:
    """A runner with its image and further options of it; without a runner the node itself. `vendor` is the GPUs'."""

    runner: str = ""
    image: str = ""
    options: tuple[str, ...] = ()
    vendor: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """Programs of the node itself."""
        return (self.runner,) if self.runner else ()

    @property
    def root(self) -> bool:
        """Whether only root may start it."""
        return self.runner in _DAEMON

    def script(self, inner: str, env: tuple[tuple[str, str], ...] = ()) -> str:
        """The same script in this place. `env` are variables of the node that a container would not see."""
        if not self.runner:
            return inner
        options = " ".join(shlex.quote(option) for option in self.options)
        gpus = _GPUS.get((self.runner, self.vendor), "")
        image, shell = shlex.quote(self.image), f"-c {shlex.quote(inner)}"
        if self.runner not in _DAEMON:
            verb = "exec" if self.runner == "apptainer" else "start"
            return f"{self.runner} {verb} {gpus} {options} {image} sh {shell}\n"
        seen = " ".join(f"--env {shlex.quote(f'{name}={value}')}" for name, value in env)
        # The image's own entry point is left out: it may print a greeting. A test that is stopped stops its
        # container, which otherwise would go on without anybody.
        return (
            f"name=bringup-$$\n"
            f"trap '{self.runner} rm -f \"$name\" >/dev/null 2>&1' EXIT\n"
            f"trap 'exit 143' TERM HUP\n"
            f'{self.runner} run --rm --name "$name" --pull never --network host --ipc host'
            f" --ulimit memlock=-1 {gpus} {seen} --entrypoint sh {options} {image} {shell} &\n"
            f"wait $!\n"
        )


HERE = Place()


def lookup(program: str, script: str, *, otherwise: str = "") -> str:
    """`script` where the program is installed; else it is named as missing, or `otherwise` is run.

    Looked up where the script runs, which may be inside a container: a command's `needs` are those of the node.
    """
    missing = otherwise or f"echo {shlex.quote(f'{_MARK} missing {program}')}\n"
    return f"if command -v {shlex.quote(program)} >/dev/null 2>&1; then\n{_ended(script)}else\n{_ended(missing)}fi\n"


def section(name: str, script: str) -> str:
    """`script` with a line before its output and its exit status behind it."""
    return f"echo '{_MARK} begin {name}'\n{_ended(script)}echo '{_MARK} end {name}' $?\n"


def _ended(script: str) -> str:
    return script if script.endswith("\n") else f"{script}\n"


@dataclass(frozen=True, slots=True)
class Section:
    """The output of one part of a script. `status` None: its end is missing, so it was cut off."""

    name: str
    text: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Sections:
    """The output of a script in its parts, and the programs that were missing."""

    parts: tuple[Section, ...]
    missing: tuple[str, ...]

    def all(self, name: str) -> tuple[Section, ...]:
        """Every part of this name, in their order."""
        return tuple(part for part in self.parts if part.name == name)

    def one(self, name: str) -> Section | None:
        """The part of this name; None where the script did not come to it."""
        return next(iter(self.all(name)), None)


def parse(text: str) -> Sections:
    """The parts of an output. What stands outside of them (greetings of a container) is left out.

    Raises ParseError for a mark that no script makes.
    """
    parts: list[Section] = []
    missing: list[str] = []
    name, lines = "", list[str]()
    for line in text.splitlines():
        words = line.split()
        if words[:1] != [_MARK]:
            lines.append(line)
        elif words[1:2] == ["missing"] and len(words) == 3:
            missing.append(words[2])
        elif words[1:2] == ["begin"] and len(words) == 3:
            if name:
                parts.append(Section(name, "\n".join(lines), None))
            name, lines = words[2], []
        elif words[1:3] == ["end", name] and len(words) == 4 and words[3].isascii() and words[3].isdigit():
            parts.append(Section(name, "\n".join(lines), int(words[3])))
            name, lines = "", []
        else:
            raise ParseError(f"the line {quoted(line)} is no part of a test's output")
    if name:
        parts.append(Section(name, "\n".join(lines), None))
    return Sections(tuple(parts), tuple(missing))
