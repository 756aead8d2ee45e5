"""Finds the checks: the ones that ship with bringup, a site's own folders, and installed plug-ins.

In a checkout or an editable install the stock battery is the top-level folder `checks/`; in a wheel the same files are
in `bringup/battery/stock`. Either way the files are loaded by path, so that no global module named `checks` exists.
Sites add checks with a folder of the same shape (`STAGE/NAME.py`, or just `NAME.py`) or with an entry point in the
group `bringup.battery` whose value is a package that holds such files.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from bringup.check import AnyCheck, Check
from bringup.defects import Fault
from bringup.errors import Problem, UsageError
from bringup.model import LEVELS, STAGES, Level, Stage

GROUP = "bringup.battery"


class BatteryError(UsageError):
    """A file of the battery cannot be used; the message lists every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = [f"battery: {len(problems)} problem{'s' if len(problems) != 1 else ''}, nothing was run"]
        lines += [f"  {p.file}" + (f" line {p.line}" if p.line else "") + f": {p.what}" for p in problems]
        super().__init__("\n".join(lines))


def stock_folder() -> Path:
    """The folder of the stock battery: beside the package in a checkout, inside it in a wheel."""
    here = Path(__file__).resolve().parent
    checkout = here.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "checks").is_dir():
        return checkout / "checks"
    return here / "stock"


def plugin_folders() -> list[Path]:
    """The folders of installed plug-ins (entry points of the group `bringup.battery`)."""
    folders: list[Path] = []
    for point in entry_points(group=GROUP):
        spec = importlib.util.find_spec(point.module)
        folders += [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
    return folders


def load(extra: Iterable[Path] = ()) -> tuple[AnyCheck, ...]:
    """Every check, ordered by stage and file. Raises BatteryError with all problems at once."""
    checks: list[AnyCheck] = []
    problems: list[Problem] = []
    seen: dict[str, Path] = {}
    for folder in (stock_folder(), *plugin_folders(), *extra):
        if not folder.is_dir():
            problems.append(Problem(str(folder), None, "no such folder of checks"))
            continue
        for file in sorted(folder.rglob("*.py")):
            if file.name.startswith("_") or "__pycache__" in file.parts:
                continue
            for check in _from_file(file, problems):
                if check.id in seen:
                    problems.append(
                        Problem(str(file), None, f"check {check.id} is already in {seen[check.id]}")
                    )
                    continue
                seen[check.id] = file
                checks.append(check)
    if problems:
        raise BatteryError(problems)
    return tuple(sorted(checks, key=lambda c: (STAGES.index(c.stage), c.gate != "node", c.id)))


def _from_file(file: Path, problems: list[Problem]) -> list[AnyCheck]:
    name = f"bringup_checks_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        problems.append(Problem(str(file), None, "cannot be loaded as Python"))
        return []
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  the door to code of any author
        line = getattr(error, "lineno", None)
        problems.append(
            Problem(str(file), line if isinstance(line, int) else None, f"{type(error).__name__}: {error}")
        )
        return []
    found: list[AnyCheck] = []
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Check) and value.__module__ == name:
            problem = _flaw(value)
            if problem:
                problems.append(Problem(str(file), None, f"class {value.__name__}: {problem}"))
            else:
                found.append(value())
    if not found and not any(p.file == str(file) for p in problems):
        problems.append(
            Problem(str(file), None, "holds no check; a check is a subclass of bringup.check.Check")
        )
    return found


def _flaw(cls: type[AnyCheck]) -> str:
    """What is missing in a check class, or nothing."""
    missing = [name for name in ("id", "stage", "target") if not hasattr(cls, name)]
    if missing:
        return f"has no {', '.join(missing)}"
    if not (cls.__doc__ or "").strip():
        return "has no docstring; its first line says what is true when the check passes"
    if not isinstance(cls.stage, Stage) or not cls.id.startswith(f"{cls.stage.value}."):
        return f"id {cls.id!r} must begin with its stage, as in {getattr(cls.stage, 'value', cls.stage)}.name"
    if not cls.faults and not cls.collects:
        return "declares no faults; say which defect it reports and who does what"
    if getattr(cls, "__abstractmethods__", None):
        return f"does not define {', '.join(sorted(cls.__abstractmethods__))}"
    return ""


def at_level(checks: Iterable[AnyCheck], level: Level) -> tuple[AnyCheck, ...]:
    """The checks of a level and of all levels below it."""
    return tuple(c for c in checks if LEVELS.index(c.level) <= LEVELS.index(level))


def catalogue(checks: Iterable[AnyCheck]) -> dict[str, Fault]:
    """Every fault that these checks can report, by code; the first declaration of a code is the one that counts."""
    faults: dict[str, Fault] = {}
    for check in checks:
        for fault in check.faults:
            faults.setdefault(fault.code, fault)
    return faults
