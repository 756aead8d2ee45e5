"""`nvidia-smi -q -x`: everything that the driver knows about the GPUs of a node, in one document.

Layouts differ by driver (DTD v10 to v13) and by GPU generation, so each field names the elements under
which it has been seen. `None` always means: the driver prints N/A, prints that it does not support the
field, or has no such element. A GPU that the driver has lost prints the sentence "GPU is lost" as the text
of dozens of elements while other elements keep old values; such a GPU has `lost` set and none of its
numbers can be trusted.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from bringup.commands import Command, Ended, Output, steady
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import bdf, xml_document
from bringup.parsers.nvidia_smi_errors import Complaint, complaints_of
from bringup.parsers.nvidia_smi_gpu import Ecc, Fabric, Gpu, Pcie, Remap, Retired, Settings, Smi
from bringup.parsers.nvidia_smi_xml_parts import (
    LOST,
    Parts,
    children,
    cleaned,
    first_number,
    flag,
    number,
    said,
    whole,
)
from bringup.parsers.remembered import remembered_long

QUERY = steady(
    Command("nvidia-smi -q -x", timeout_s=30.0, max_bytes=8 << 20, needs=("nvidia-smi",), estimate_s=2.0)
)

_MOST_GPUS = 256
_MOST_NODES = 4096
"""Answers that are known again in a later stage: what is made of one of eight GPUs takes 13 kB."""
_TABLE, _TABLE_ENDS = "<supported_clocks>", "</supported_clocks>"


def read(output: Output) -> Smi:
    """The document of an answer of QUERY, with the driver's complaints about single GPUs.

    Raises CannotJudge (code GPU-DRIVER) if the driver does not answer at all, ParseError for anything
    unknown.
    """
    return _read(output.stdout, output.stderr, output.status)


@remembered_long(_MOST_NODES)
def _read(stdout: bytes, stderr: bytes, status: int | None) -> Smi:
    """By the bytes, because a dozen checks of a node read the same answer (300 kB), and bytes know their hash."""
    text = _without_tables(stdout.decode("utf-8", "replace"))
    complaints = complaints_of(text, stderr.decode("utf-8", "replace"), status)
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
    text = _without_tables(
        text[begin : end + len("</nvidia_smi_log>")]
    )  # nothing to do if `_read` has done it
    root = xml_document.root(text, "nvidia-smi -q -x", "nvidia_smi_log", doctype=True)
    elements = root.findall("gpu")
    if len(elements) > _MOST_GPUS:
        raise ParseError(f"nvidia-smi -q -x lists {len(elements)} GPUs")
    head = children(root)
    attached = whole(head, "attached_gpus")
    known = attached is None or attached == len(elements)
    lost = LOST in text.lower()  # looked for in every element only where it is at all
    gpus = tuple(_gpu(element, place if known else None, lost) for place, element in enumerate(elements))
    if len({gpu.address for gpu in gpus}) != len(gpus):
        raise ParseError("nvidia-smi -q -x lists one PCI address twice")
    return Smi(said(head, "driver_version"), said(head, "cuda_version"), attached, gpus, complaints)


def _without_tables(text: str) -> str:
    """The document without the tables of supported clocks: half of all elements, and nobody reads them.

    A table that does not end before the next GPU stays, so that a document with a hole is still seen to be broken.
    """
    kept: list[str] = []
    done = 0
    while (begin := text.find(_TABLE, done)) >= 0:
        end = text.find(_TABLE_ENDS, begin)
        if end < 0 or text.find("<gpu", begin, end) >= 0:
            break
        kept.append(text[done:begin])
        done = end + len(_TABLE_ENDS)
    return "".join((*kept, text[done:]))


def _gpu(element: Element, index: int | None, some_lost: bool) -> Gpu:
    parts = children(element)
    address = element.get("id") or said(parts, "pci/pci_bus_id")
    if address is None:
        raise ParseError("nvidia-smi -q -x lists a GPU without PCI address")
    lost = some_lost and any(LOST in (e.text or "").lower() for e in element.iter())
    return Gpu(
        index=index,
        address=bdf.normalise(address),
        lost=lost,
        name=said(parts, "product_name"),
        uuid=said(parts, "uuid"),
        serial=said(parts, "serial"),
        vbios=said(parts, "vbios_version"),
        minor=whole(parts, "minor_number"),
        memory_mib=whole(parts, "fb_memory_usage/total"),
        persistence=said(parts, "persistence_mode"),
        mig=said(parts, "mig_mode/current_mig"),
        mig_devices=sum(len(devices.findall("mig_device")) for devices in element.findall("mig_devices")),
        ecc_mode=said(parts, "ecc_mode/current_ecc"),
        recovery_action=said(parts, "gpu_recovery_action"),
        ecc=_ecc(parts),
        remap=Remap(
            correctable=whole(parts, "remapped_rows/remapped_row_corr"),
            uncorrectable=whole(parts, "remapped_rows/remapped_row_unc"),
            pending=flag(parts, "remapped_rows/remapped_row_pending"),
            failed=flag(parts, "remapped_rows/remapped_row_failure"),
        ),
        retired=Retired(
            single_bit=whole(parts, "retired_pages/multiple_single_bit_retirement/retired_count"),
            double_bit=whole(parts, "retired_pages/double_bit_retirement/retired_count"),
            pending=flag(parts, "retired_pages/pending_retirement"),
        ),
        pcie=_pcie(parts),
        slowdowns=_slowdowns(parts),
        temperature_c=number(parts, "temperature/gpu_temp"),
        memory_temperature_c=number(parts, "temperature/memory_temp"),
        power_w=first_number(
            parts,
            "gpu_power_readings/instant_power_draw",
            "gpu_power_readings/average_power_draw",
            "gpu_power_readings/power_draw",
            "power_readings/power_draw",
        ),
        power_limit_w=first_number(
            parts,
            "gpu_power_readings/current_power_limit",
            "power_readings/enforced_power_limit",
            "power_readings/power_limit",
        ),
        fabric=_fabric(parts),
        settings=_settings(parts),
    )


def _settings(parts: Parts) -> Settings:
    def watts(name: str) -> float | None:
        return first_number(parts, f"gpu_power_readings/{name}", f"power_readings/{name}")

    return Settings(
        sm_max_mhz=whole(parts, "max_clocks/sm_clock"),
        application_mhz=whole(parts, "applications_clocks/graphics_clock"),
        application_default_mhz=whole(parts, "default_applications_clocks/graphics_clock"),
        power_limit_default_w=watts("default_power_limit"),
        power_limit_max_w=watts("max_power_limit"),
    )


def _ecc(parts: Parts) -> Ecc:
    errors = "ecc_errors"
    pending = [
        name.replace("_pending", "").replace("_", " ")
        for name in ("channel_repair_pending", "tpc_repair_pending")
        if flag(parts, f"{errors}/{name}")
    ]
    return Ecc(
        volatile_uncorrected=_uncorrected(parts, f"{errors}/volatile"),
        aggregate_uncorrected=_uncorrected(parts, f"{errors}/aggregate"),
        sram_threshold_exceeded=flag(parts, f"{errors}/aggregate/sram_threshold_exceeded"),
        repair_pending=tuple(pending),
        volatile_sram_corrected=whole(parts, f"{errors}/volatile/sram_correctable"),
        aggregate_sram_uncorrected=_sum(
            parts,
            f"{errors}/aggregate",
            "sram_uncorrectable",
            "sram_uncorrectable_parity",
            "sram_uncorrectable_secded",
        ),
    )


def _uncorrected(parts: Parts, where: str) -> int | None:
    """The sum of what is reported of the uncorrectable counters, in three layouts by GPU and driver."""
    total = whole(parts, f"{where}/double_bit/total")
    if total is not None:
        return total
    return _sum(
        parts,
        where,
        "sram_uncorrectable",
        "sram_uncorrectable_parity",
        "sram_uncorrectable_secded",
        "dram_uncorrectable",
    )


def _sum(parts: Parts, where: str, *names: str) -> int | None:
    """The sum of the counters that are reported; None if none of them is."""
    counts = [count for name in names if (count := whole(parts, f"{where}/{name}")) is not None]
    return sum(counts) if counts else None


def _pcie(parts: Parts) -> Pcie:
    link = "pci/pci_gpu_link_info"
    return Pcie(
        gen=whole(parts, f"{link}/pcie_gen/current_link_gen"),
        gen_max=whole(parts, f"{link}/pcie_gen/max_link_gen"),
        width=whole(parts, f"{link}/link_widths/current_link_width"),
        width_max=whole(parts, f"{link}/link_widths/max_link_width"),
        replays=whole(parts, "pci/replay_counter"),
    )


def _slowdowns(parts: Parts) -> tuple[str, ...] | None:
    """Why the clocks are held down now, names without prefix (`hw_slowdown`); None if not reported."""
    section = parts.get("clocks_event_reasons")
    section = parts.get("clocks_throttle_reasons") if section is None else section
    if section is None:
        return None
    active: list[str] = []
    reported = False
    for reason in section:
        text = cleaned(reason.text)
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


def _fabric(parts: Parts) -> Fabric:
    complaints = [
        f"{name.replace('_', ' ')}: {text}"
        for name, good in _FABRIC_GOOD.items()
        if (text := said(parts, f"fabric/health/{name}")) is not None and text not in good
    ]
    return Fabric(
        state=said(parts, "fabric/state"),
        status=said(parts, "fabric/status"),
        clique=whole(parts, "fabric/cliqueId"),
        cluster=said(parts, "fabric/clusterUuid"),
        health=said(parts, "fabric/health/summary"),
        complaints=tuple(complaints),
    )
