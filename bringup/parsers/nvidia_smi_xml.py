"""`nvidia-smi -q -x`: everything that the driver knows about the GPUs of a node, in one document.

Layouts differ by driver (DTD v10 to v13) and by GPU generation, so each field names the elements under
which it has been seen. `None` always means: the driver prints N/A, prints that it does not support the
field, or has no such element. A GPU that the driver has lost prints the sentence "GPU is lost" as the text
of dozens of elements while other elements keep old values; such a GPU has `lost` set and none of its
numbers can be trusted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from bringup.commands import Command, Ended, Output
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import bdf, xml_document
from bringup.parsers.nvidia_smi_errors import Complaint, answer
from bringup.parsers.nvidia_smi_gpu import Ecc, Fabric, Gpu, Pcie, Remap, Retired, Settings, Smi

QUERY = Command("nvidia-smi -q -x", timeout_s=30.0, max_bytes=8 << 20, needs=("nvidia-smi",), estimate_s=2.0)

_NOT_REPORTED = frozenset(
    {"", "n/a", "not supported", "not available", "unknown", "unknown error", "err!",
     "insufficient permissions", "requested functionality has been deprecated"}
)  # fmt: skip
_LOST = "gpu is lost"
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(?:[A-Za-z%]+(?:\(s\))?)?")
_MOST_GPUS = 256


@lru_cache(maxsize=64)
def read(output: Output) -> Smi:
    """The document of an answer of QUERY, with the driver's complaints about single GPUs.

    Raises CannotJudge (code GPU-DRIVER) if the driver does not answer at all, ParseError for anything
    unknown. A dozen checks of a node read the same answer (300 kB), so the last ones are remembered.
    """
    text, complaints = answer(output)
    if "<nvidia_smi_log" not in text and complaints:
        return Smi(driver=None, cuda=None, attached=None, gpus=(), complaints=complaints)
    return parse(text, complaints)


def read_or_none(output: Output) -> Smi | None:
    """The document where there is one: for checks that need it only to name GPUs by their index."""
    if output.ended is not Ended.EXITED or output.truncated:
        return None
    try:
        return read(output)
    except CannotJudge:
        return None


def parse(text: str, complaints: tuple[Complaint, ...] = ()) -> Smi:
    """The document. Lines before it (warnings, sentences of the driver) are passed over.

    A GPU's index is its position, but only where the document holds as many GPUs as the driver counts: a
    GPU that the driver cannot open leaves a gap in the indices. Raises ParseError for a document that is
    cut off or unknown.
    """
    begin = text.find("<?xml")
    begin = text.find("<nvidia_smi_log") if begin < 0 else begin
    if begin < 0:
        raise ParseError(f"nvidia-smi -q -x printed no XML: {text.strip()[:80]!r}")
    end = text.rfind("</nvidia_smi_log>")
    if end < begin:
        raise ParseError("nvidia-smi -q -x was cut off: no end of the document")
    text = text[begin : end + len("</nvidia_smi_log>")]
    root = xml_document.root(text, "nvidia-smi -q -x", "nvidia_smi_log", doctype=True)
    elements = root.findall("gpu")
    if len(elements) > _MOST_GPUS:
        raise ParseError(f"nvidia-smi -q -x lists {len(elements)} GPUs")
    attached = _whole(root, "attached_gpus")
    known = attached is None or attached == len(elements)
    lost = _LOST in text.lower()  # looked for in every element only where it is at all
    gpus = tuple(_gpu(element, place if known else None, lost) for place, element in enumerate(elements))
    if len({gpu.address for gpu in gpus}) != len(gpus):
        raise ParseError("nvidia-smi -q -x lists one PCI address twice")
    return Smi(_text(root, "driver_version"), _text(root, "cuda_version"), attached, gpus, complaints)


def _gpu(element: Element, index: int | None, some_lost: bool) -> Gpu:
    address = element.get("id") or _text(element, "pci/pci_bus_id")
    if address is None:
        raise ParseError("nvidia-smi -q -x lists a GPU without PCI address")
    lost = some_lost and any(_LOST in (e.text or "").lower() for e in element.iter())
    return Gpu(
        index=index,
        address=bdf.normalise(address),
        lost=lost,
        name=_text(element, "product_name"),
        uuid=_text(element, "uuid"),
        serial=_text(element, "serial"),
        vbios=_text(element, "vbios_version"),
        minor=_whole(element, "minor_number"),
        memory_mib=_whole(element, "fb_memory_usage/total"),
        persistence=_text(element, "persistence_mode"),
        mig=_text(element, "mig_mode/current_mig"),
        mig_devices=len(element.findall("mig_devices/mig_device")),
        ecc_mode=_text(element, "ecc_mode/current_ecc"),
        recovery_action=_text(element, "gpu_recovery_action"),
        ecc=_ecc(element),
        remap=Remap(
            correctable=_whole(element, "remapped_rows/remapped_row_corr"),
            uncorrectable=_whole(element, "remapped_rows/remapped_row_unc"),
            pending=_flag(element, "remapped_rows/remapped_row_pending"),
            failed=_flag(element, "remapped_rows/remapped_row_failure"),
        ),
        retired=Retired(
            single_bit=_whole(element, "retired_pages/multiple_single_bit_retirement/retired_count"),
            double_bit=_whole(element, "retired_pages/double_bit_retirement/retired_count"),
            pending=_flag(element, "retired_pages/pending_retirement"),
        ),
        pcie=_pcie(element),
        slowdowns=_slowdowns(element),
        temperature_c=_number(element, "temperature/gpu_temp"),
        memory_temperature_c=_number(element, "temperature/memory_temp"),
        power_w=_first_number(
            element,
            "gpu_power_readings/instant_power_draw",
            "gpu_power_readings/average_power_draw",
            "gpu_power_readings/power_draw",
            "power_readings/power_draw",
        ),
        power_limit_w=_first_number(
            element,
            "gpu_power_readings/current_power_limit",
            "power_readings/enforced_power_limit",
            "power_readings/power_limit",
        ),
        fabric=_fabric(element),
        settings=_settings(element),
    )


def _settings(element: Element) -> Settings:
    def watts(name: str) -> float | None:
        return _first_number(element, f"gpu_power_readings/{name}", f"power_readings/{name}")

    return Settings(
        sm_max_mhz=_whole(element, "max_clocks/sm_clock"),
        application_mhz=_whole(element, "applications_clocks/graphics_clock"),
        application_default_mhz=_whole(element, "default_applications_clocks/graphics_clock"),
        power_limit_default_w=watts("default_power_limit"),
        power_limit_max_w=watts("max_power_limit"),
    )


def _ecc(element: Element) -> Ecc:
    errors = "ecc_errors"
    pending = [
        name.replace("_pending", "").replace("_", " ")
        for name in ("channel_repair_pending", "tpc_repair_pending")
        if _flag(element, f"{errors}/{name}")
    ]
    return Ecc(
        volatile_uncorrected=_uncorrected(element, f"{errors}/volatile"),
        aggregate_uncorrected=_uncorrected(element, f"{errors}/aggregate"),
        sram_threshold_exceeded=_flag(element, f"{errors}/aggregate/sram_threshold_exceeded"),
        repair_pending=tuple(pending),
        volatile_sram_corrected=_whole(element, f"{errors}/volatile/sram_correctable"),
        aggregate_sram_uncorrected=_sum(
            element,
            f"{errors}/aggregate",
            "sram_uncorrectable",
            "sram_uncorrectable_parity",
            "sram_uncorrectable_secded",
        ),
    )


def _uncorrected(element: Element, where: str) -> int | None:
    """The sum of what is reported of the uncorrectable counters, in three layouts by GPU and driver."""
    total = _whole(element, f"{where}/double_bit/total")
    if total is not None:
        return total
    return _sum(
        element,
        where,
        "sram_uncorrectable",
        "sram_uncorrectable_parity",
        "sram_uncorrectable_secded",
        "dram_uncorrectable",
    )


def _sum(element: Element, where: str, *names: str) -> int | None:
    """The sum of the counters that are reported; None if none of them is."""
    counts = [count for name in names if (count := _whole(element, f"{where}/{name}")) is not None]
    return sum(counts) if counts else None


def _pcie(element: Element) -> Pcie:
    link = "pci/pci_gpu_link_info"
    return Pcie(
        gen=_whole(element, f"{link}/pcie_gen/current_link_gen"),
        gen_max=_whole(element, f"{link}/pcie_gen/max_link_gen"),
        width=_whole(element, f"{link}/link_widths/current_link_width"),
        width_max=_whole(element, f"{link}/link_widths/max_link_width"),
        replays=_whole(element, "pci/replay_counter"),
    )


def _slowdowns(element: Element) -> tuple[str, ...] | None:
    """Why the clocks are held down now, names without prefix (`hw_slowdown`); None if not reported."""
    section = element.find("clocks_event_reasons")
    section = element.find("clocks_throttle_reasons") if section is None else section
    if section is None:
        return None
    active: list[str] = []
    reported = False
    for reason in section:
        text = _clean(reason.text)
        if text is None:
            continue
        if text not in ("Active", "Not Active"):
            raise ParseError(f"nvidia-smi -q -x: clock reason {reason.tag[:60]} is {text[:40]!r}")
        reported = True
        if text == "Active":
            active.append(re.sub(r"^clocks_(?:event|throttle)_reason_", "", reason.tag))
    return tuple(active) if reported else None


_FABRIC_GOOD: dict[str, tuple[str, ...]] = {
    "bandwidth": ("Full",),
    "route_recovery_in_progress": ("False",),
    "route_unhealthy": ("False",),
    "access_timeout_recovery": ("False",),
    "incorrect_configuration": ("None",),
}


def _fabric(element: Element) -> Fabric:
    complaints = [
        f"{name.replace('_', ' ')}: {text}"
        for name, good in _FABRIC_GOOD.items()
        if (text := _text(element, f"fabric/health/{name}")) is not None and text not in good
    ]
    return Fabric(
        state=_text(element, "fabric/state"),
        status=_text(element, "fabric/status"),
        clique=_whole(element, "fabric/cliqueId"),
        cluster=_text(element, "fabric/clusterUuid"),
        health=_text(element, "fabric/health/summary"),
        complaints=tuple(complaints),
    )


def _clean(text: str | None) -> str | None:
    """The text of an element, None if it says that there is no value."""
    words = " ".join((text or "").split())
    bare = words.strip("[]").lower()
    return None if bare in _NOT_REPORTED or _LOST in bare else words


def _text(element: Element, path: str) -> str | None:
    child: Element | None = element
    for tag in path.split(
        "/"
    ):  # a step at a time: a whole path is looked up by Python code, ten times as slow
        child = child.find(tag) if child is not None else None
    return None if child is None else _clean(child.text)


def _number(element: Element, path: str) -> float | None:
    text = _text(element, path)
    if text is None:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None or len(match[1]) > 18:
        raise ParseError(f"nvidia-smi -q -x: {path} is {text[:40]!r}, which is no number")
    return float(match[1])


def _whole(element: Element, path: str) -> int | None:
    value = _number(element, path)
    if value is None:
        return None
    if value != int(value):
        raise ParseError(f"nvidia-smi -q -x: {path} is {value}, which is no whole number")
    return int(value)


def _first_number(element: Element, *paths: str) -> float | None:
    return next((value for path in paths if (value := _number(element, path)) is not None), None)


def _flag(element: Element, path: str) -> bool | None:
    text = _text(element, path)
    if text is None:
        return None
    if text not in ("Yes", "No"):
        raise ParseError(f"nvidia-smi -q -x: {path} is {text[:40]!r}, needed Yes or No")
    return text == "Yes"
