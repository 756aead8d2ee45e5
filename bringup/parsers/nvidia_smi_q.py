"""`nvidia-smi -q` and its parts (`-q -d ECC`): the same facts as the XML, from the text for people.

For nodes and captures where only the text is there; `nvidia_smi_xml.QUERY` is steadier. With `-d` or `-i` only a part
is printed, and what is not printed is None. Nothing marks the end, so whoever judges compares the GPUs with the plan.
"""

from __future__ import annotations

import re

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_gpu import Ecc, Fabric, Gpu, Pcie, Remap, Retired, Smi
from bringup.parsers.nvidia_smi_q_tree import Section, read
from bringup.parsers.reading import quoted

QUERY = Command("nvidia-smi -q", timeout_s=30.0, max_bytes=8 << 20, needs=("nvidia-smi",), estimate_s=2.0)

_NOT_REPORTED = frozenset(
    {"", "n/a", "not supported", "not available", "unknown", "unknown error", "err!",
     "insufficient permissions", "requested functionality has been deprecated"}
)  # fmt: skip
_LOST = re.compile(r"\bGPU is lost\b", re.IGNORECASE)
_NUMBER = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,9})?)\s*(?:[A-Za-z%]+(?:\(s\))?)?")
_REMARK = re.compile(r"\s*\[Deprecated\b.*")
_REASONS = {"idle": "gpu_idle", "display_clock_setting": "display_clocks_setting"}
"""Where the text names a clock reason otherwise than the XML."""

_FABRIC_GOOD: dict[str, str] = {
    "Bandwidth": "Full",
    "Route Recovery in progress": "False",
    "Route Unhealthy": "False",
    "Access Timeout Recovery": "False",
    "Incorrect Configuration": "None",
}


def parse(text: str) -> Smi:
    """The document. A GPU's index is its position where as many are printed as the driver counts."""
    document = read(text)
    attached = _whole(document.header, "Attached GPUs")
    known = attached is None or attached == len(document.gpus)
    gpus = tuple(_gpu(section, place if known else None) for place, section in enumerate(document.gpus))
    if len({gpu.address for gpu in gpus}) != len(gpus):
        raise ParseError("nvidia-smi -q lists one PCI address twice")
    return Smi(
        driver=_version(document.header, "KMD Version", "Driver Version"),
        cuda=_version(document.header, "CUDA UMD Version", "CUDA Version"),
        attached=attached,
        gpus=gpus,
        complaints=document.complaints,
    )


def fabrics(text: str) -> tuple[tuple[str, Fabric], ...]:
    """Address and fabric of every GPU, also from an excerpt whose heading is missing (then the address is empty)."""
    found = tuple((gpu.key, _fabric(gpu)) for gpu in read(text).gpus if gpu.find("Fabric"))
    if not found:
        raise ParseError(f"nvidia-smi -q: nothing about the fabric in {quoted(text)}")
    return found


def _gpu(gpu: Section, index: int | None) -> Gpu:
    if not gpu.key:
        raise ParseError("nvidia-smi -q: values stand before the address of their GPU")
    return Gpu(
        index=index,
        address=gpu.key,
        lost=any(_LOST.search(section.value or "") for section in gpu.walk()),
        name=_text(gpu, "Product Name"),
        uuid=_text(gpu, "GPU UUID"),
        serial=_text(gpu, "Serial Number"),
        vbios=_text(gpu, "VBIOS Version"),
        minor=_whole(gpu, "Minor Number"),
        memory_mib=_whole(gpu, "FB Memory Usage/Total"),
        persistence=_text(gpu, "Persistence Mode"),
        mig=_text(gpu, "MIG Mode/Current"),
        mig_devices=len(gpu.all("MIG Device")),
        ecc_mode=_text(gpu, "ECC Mode/Current", "Ecc Mode/Current"),
        recovery_action=_text(gpu, "GPU Recovery Action"),
        ecc=_ecc(gpu),
        remap=Remap(
            correctable=_whole(gpu, "Remapped Rows/Correctable Error"),
            uncorrectable=_whole(gpu, "Remapped Rows/Uncorrectable Error"),
            pending=_flag(gpu, "Remapped Rows/Pending"),
            failed=_flag(gpu, "Remapped Rows/Remapping Failure Occurred"),
        ),
        retired=Retired(
            single_bit=_whole(gpu, "Retired Pages/Single Bit ECC"),
            double_bit=_whole(gpu, "Retired Pages/Double Bit ECC"),
            pending=_flag(gpu, "Retired Pages/Pending Page Blacklist", "Retired Pages/Pending"),
        ),
        pcie=Pcie(
            gen=_whole(gpu, "PCI/GPU Link Info/PCIe Generation/Current"),
            gen_max=_whole(gpu, "PCI/GPU Link Info/PCIe Generation/Max"),
            width=_whole(gpu, "PCI/GPU Link Info/Link Width/Current"),
            width_max=_whole(gpu, "PCI/GPU Link Info/Link Width/Max"),
            replays=_whole(gpu, "PCI/Replays Since Reset", "PCI/Replays since reset"),
        ),
        slowdowns=_slowdowns(gpu),
        temperature_c=_number(gpu, "Temperature/GPU Current Temp"),
        memory_temperature_c=_number(gpu, "Temperature/Memory Current Temp"),
        power_w=_number(
            gpu,
            "GPU Power Readings/Instantaneous Power Draw",
            "GPU Power Readings/Average Power Draw",
            "GPU Power Readings/Power Draw",
            "Power Readings/Power Draw",
        ),
        power_limit_w=_number(
            gpu,
            "GPU Power Readings/Current Power Limit",
            "GPU Power Readings/GPU Ceiling Power Limit/Current Power Limit",
            "Power Readings/Enforced Power Limit",
            "Power Readings/Power Limit",
        ),
        fabric=_fabric(gpu),
    )


def _ecc(gpu: Section) -> Ecc:
    return Ecc(
        volatile_uncorrected=_uncorrected(gpu, "ECC Errors/Volatile"),
        aggregate_uncorrected=_uncorrected(gpu, "ECC Errors/Aggregate"),
        sram_threshold_exceeded=_flag(gpu, "ECC Errors/Aggregate/SRAM Threshold Exceeded"),
        repair_pending=tuple(
            name.lower()
            for name in ("Channel Repair", "TPC Repair")
            if _flag(gpu, f"ECC Errors/{name} Pending")
        ),
    )


def _uncorrected(gpu: Section, where: str) -> int | None:
    """The sum of what is reported of the uncorrectable counters, in three layouts by GPU and driver."""
    total = _whole(gpu, f"{where}/Double Bit/Total")
    if total is not None:
        return total
    names = (
        "SRAM Uncorrectable",
        "SRAM Uncorrectable Parity",
        "SRAM Uncorrectable SEC-DED",
        "DRAM Uncorrectable",
    )
    counts = [count for name in names if (count := _whole(gpu, f"{where}/{name}")) is not None]
    return sum(counts) if counts else None


def _slowdowns(gpu: Section) -> tuple[str, ...] | None:
    """Why the clocks are held down now, under the names of the XML; None if not reported."""
    section = gpu.find("Clocks Event Reasons") or gpu.find("Clocks Throttle Reasons")
    told = [s for s in section.walk() if s is not section and _clean(s.value) is not None] if section else []
    if not told:
        return None
    for reason in told:
        if reason.value not in ("Active", "Not Active"):
            raise ParseError(
                f"nvidia-smi -q: clock reason {quoted(reason.key)} is {quoted(reason.value or '')}"
            )
    names = (reason.key.lower().replace(" ", "_") for reason in told if reason.value == "Active")
    return tuple(_REASONS.get(name, name) for name in names)


def _fabric(gpu: Section) -> Fabric:
    health = [(key, _text(gpu, f"Fabric/Health/{key}")) for key in _FABRIC_GOOD]
    return Fabric(
        state=_text(gpu, "Fabric/State"),
        status=_text(gpu, "Fabric/Status"),
        clique=_whole(gpu, "Fabric/CliqueId"),
        cluster=_text(gpu, "Fabric/ClusterUUID"),
        health=_text(gpu, "Fabric/Health/Summary"),
        complaints=tuple(
            f"{key.lower()}: {text}" for key, text in health if text is not None and text != _FABRIC_GOOD[key]
        ),
    )


# ------------------------------------------------------------------------------------------------ values


def _clean(text: str | None) -> str | None:
    """A value, None if it says that there is none."""
    words = " ".join((text or "").split())
    return None if words.strip("[]").lower() in _NOT_REPORTED or _LOST.search(words) else words


def _text(section: Section, *paths: str) -> str | None:
    """The value at the first of these paths that reports one."""
    return next(
        (text for path in paths if (line := section.find(path)) and (text := _clean(line.value)) is not None),
        None,
    )


def _version(header: Section, *keys: str) -> str | None:
    text = _text(header, *keys)
    return _REMARK.sub("", text) if text else None


def _number(section: Section, *paths: str) -> float | None:
    text = _text(section, *paths)
    if text is None:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ParseError(f"nvidia-smi -q: {paths[0]} is {quoted(text)}, which is no number")
    return float(match[1])


def _whole(section: Section, *paths: str) -> int | None:
    value = _number(section, *paths)
    if value is not None and value != int(value):
        raise ParseError(f"nvidia-smi -q: {paths[0]} is {value}, which is no whole number")
    return None if value is None else int(value)


def _flag(section: Section, *paths: str) -> bool | None:
    text = _text(section, *paths)
    if text not in (None, "Yes", "No"):
        raise ParseError(f"nvidia-smi -q: {paths[0]} is {quoted(text or '')}, needed Yes or No")
    return None if text is None else text == "Yes"
