"""The reports of nvidia-smi have the fields of real ones, in each layout that drivers had."""

from __future__ import annotations

import re

import pytest

from bringup.parsers import nvidia_smi_q, nvidia_smi_xml

# What real documents hold and the simulated ones do not: parts of MIG, of old consumer boards, and what no check reads.
NOT_SIMULATED = {
    "mig_device", "index", "gpu_instance_id", "compute_instance_id", "device_attributes", "shared",
    "multiprocessor_count", "copy_engine_count", "encoder_count", "decoder_count", "ofa_count", "jpg_count",
    "ecc_error_count", "volatile_count", "unrepairable_memory", "remapped_row_corr_inactive",
    "remapped_row_unc_inactive", "process_info", "pid", "type", "process_name", "used_memory",
}  # fmt: skip


def tags(text: str) -> set[str]:
    """The names of all elements of the first GPU."""
    return set(re.findall(r"<(\w+)", text[text.index("<gpu ") : text.index("</gpu>")])) - {"gpu"}


@pytest.mark.parametrize(("shape", "file"), [
    ("hgx-h100", "01-h100-x8-580.xml"),
    ("hgx-b200", "02-b200-x8-580.xml"),
    ("gb200-nvl72", "03-gb200-x4-580.xml"),
    ("gb300-nvl72", "04-gb300-x4-580.xml"),
    ("hgx-a100", "11-a100-sxm4-80-mig4-535.xml"),
])  # fmt: skip
def test_a_document_has_exactly_the_elements_of_a_real_one(shape, file, shaped, corpus):  # type: ignore[no-untyped-def]
    mine = tags(shaped(shape).text("n-001", nvidia_smi_xml.QUERY))
    real = tags(corpus(f"nvidia-smi-xml/{file}"))
    assert real - mine - NOT_SIMULATED == set()
    # With MIG on, as in the capture of a driver 535, the rows are not reported.
    extra = {tag for tag in mine - real if not tag.startswith(("remapped_row", "row_remapper"))}
    assert extra <= {"supported_graphics_clock"}


@pytest.mark.parametrize(("driver", "dtd", "power", "sram", "clique"), [
    ("535.183.06", "v12", "power_draw", "sram_uncorrectable", None),
    ("550.127.08", "v12", "power_draw", "sram_uncorrectable_parity", 0),
    ("570.133.20", "v12", "average_power_draw", "sram_uncorrectable_parity", 0),
    ("580.95.05", "v13", "average_power_draw", "sram_uncorrectable_parity", 0),
])  # fmt: skip
def test_the_layout_follows_the_driver(driver, dtd, power, sram, clique, lab):  # type: ignore[no-untyped-def]
    node = lab("driver-version", count=1, params={"version": driver})
    text = node.text("gpu-001", nvidia_smi_xml.QUERY)
    found = tags(text)
    assert f"nvsmi_device_{dtd}.dtd" in text
    assert {power, sram} <= found
    assert ("pdi" in found, "platformInfo" in found) == (driver >= "580", driver >= "550")
    smi = nvidia_smi_xml.read(node.output("gpu-001", nvidia_smi_xml.QUERY))
    assert {
        (g.memory_mib, g.ecc.volatile_uncorrected, g.remap.pending, g.fabric.state) for g in smi.gpus
    } == {(81559, 0, False, "Completed")}
    assert {g.fabric.clique for g in smi.gpus} == {clique}
    in_text = nvidia_smi_q.parse(node.sh("gpu-001", "nvidia-smi -q").stdout)
    assert [(g.power_w, g.ecc.volatile_uncorrected, g.pcie) for g in in_text.gpus] == [
        (g.power_w, g.ecc.volatile_uncorrected, g.pcie) for g in smi.gpus
    ]
