"""`amd-smi bad-pages`, `firmware` and `metric --xgmi-err`: what an AMD GPU tells about its own condition, from JSON.

A GPU without bad pages has one sentence instead of a list. N/A means that this reader may not know, which is not
"none": bad pages are only shown to root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.amd_smi import Tree, trees
from bringup.parsers.reading import quoted, whole
from bringup.parsers.reading_json import count, items, mapping, words

BAD_PAGES = Command("amd-smi bad-pages --json", needs=("amd-smi",), root=True, timeout_s=60.0)
FIRMWARE = Command("amd-smi firmware --json", needs=("amd-smi",), timeout_s=60.0)
XGMI_ERRORS = Command("amd-smi metric --xgmi-err --json", needs=("amd-smi",), timeout_s=60.0)

_NONE = "no bad pages found"


@dataclass(frozen=True, slots=True)
class BadPages:
    """Pages of one GPU's memory: taken out of use, waiting for it, and those that cannot be. None: not reported."""

    gpu: int
    retired: int | None
    pending: int | None
    unreservable: int | None


def parse_bad_pages(text: str) -> tuple[BadPages, ...]:
    """The GPUs of BAD_PAGES."""
    found: list[BadPages] = []
    for gpu, tree in trees(text):
        if not {"retired", "pending", "un_res"} & set(tree):
            raise ParseError(f"amd-smi bad-pages tells nothing about GPU {gpu}: {quoted(text)}")
        found.append(BadPages(gpu, *(_pages(tree.get(key), key) for key in ("retired", "pending", "un_res"))))
    return tuple(found)


def _pages(value: object, key: str) -> int | None:
    if value is None or value == "N/A":
        return None
    if isinstance(value, str):
        if value.strip().rstrip(".").lower() == _NONE:
            return 0
        raise ParseError(f"amd-smi bad-pages: {key} is {quoted(value)}")
    return len(
        [mapping(page, f"amd-smi bad-pages: {key}") for page in items(value, f"amd-smi bad-pages: {key}")]
    )


def parse_firmware(text: str) -> Mapping[int, Mapping[str, str]]:
    """The version of each firmware by its name, for each GPU of FIRMWARE. N/A is left out."""
    return {gpu: _versions(tree, gpu) for gpu, tree in trees(text)}


def _versions(tree: Tree, gpu: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in items(tree.get("fw_list"), f"amd-smi firmware of GPU {gpu}"):
        own = mapping(entry, "amd-smi: a firmware")
        name, version = words(own.get("fw_id"), "amd-smi: fw_id"), own.get("fw_version")
        said = str(version) if isinstance(version, int) else words(version, f"amd-smi: version of {name}")
        if said and said != "N/A":
            found[name] = said
    return found


def parse_xgmi_errors(text: str) -> Mapping[int, int | None]:
    """The XGMI errors of each GPU of XGMI_ERRORS; None where it does not report them.

    Versions tell a count, or only whether there was none, one or several; several counts as 2, which means
    at least two.
    """
    found: dict[int, int | None] = {}
    for gpu, tree in trees(text):
        if "xgmi_err" not in tree:
            raise ParseError(f"amd-smi tells no XGMI errors of GPU {gpu}: {quoted(text)}")
        found[gpu] = _errors(tree["xgmi_err"])
    return found


def _errors(value: object) -> int | None:
    if not isinstance(value, str):
        return count(value, "amd-smi: xgmi_err")
    word = value.strip().upper().removeprefix("AMDSMI_XGMI_STATUS_")
    known = {"N/A": None, "NO_ERRORS": 0, "ERROR": 1, "SINGLE_ERROR": 1, "MULTIPLE_ERRORS": 2}
    return known[word] if word in known else whole(value.strip(), "amd-smi: xgmi_err")
