"""How the checks of AMD GPUs ask `amd-smi`, and what they have in common."""

from __future__ import annotations

from collections.abc import Collection

from bringup.commands import Output
from bringup.errors import CannotJudge
from bringup.parsers.gpu_faults import GPU_DRIVER


def answered(output: Output) -> str:
    """The text of an answer of amd-smi. Raises CannotJudge where the tool or the driver below it failed."""
    if output.status == 0:
        return output.text
    said = " / ".join((output.error_text.strip() or output.text.strip()).splitlines()[-2:])[:200] or "no text"
    raise CannotJudge(f"amd-smi ended with status {output.status}: {said}", code=GPU_DRIVER.code)


def demand(expected: int, found: Collection[int], what: str, silent: Collection[int] = ()) -> None:
    """Raises CannotJudge unless `expected` GPUs answered and none of them was silent about `what`."""
    if silent:
        raise CannotJudge(f"{what} not reported by GPU {', '.join(str(gpu) for gpu in sorted(silent))}")
    if len(found) < expected:
        raise CannotJudge(
            f"only {len(found)} of {expected} GPUs answer, the others are not judged", code="GPU-MISSING"
        )
