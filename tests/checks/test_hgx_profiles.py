"""The stock profiles of HGX nodes hold every number that the PCIe, GPU and NVLink checks ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bringup.context import Context
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers import kernel_log, nvidia_smi_nvlink, nvidia_smi_xml, pci_sysfs, systemd
from bringup.profile import load

CHECKS = [
    "pcie/gpu_present.py",
    "pcie/gpu_link.py",
    "pcie/nic_link.py",
    "pcie/aer.py",
    "gpu/count.py",
    "gpu/model.py",
    "gpu/ecc.py",
    "gpu/remap.py",
    "gpu/slowdown.py",
    "gpu/modes.py",
    "gpu/xid.py",
    "gpu/clocks.py",
    "gpu/temperature.py",
    "gpu/power_cap.py",
    "gpu/inforom.py",
    "gpu/sram.py",
    "gpu/recovery.py",
    "nvlink/fabric_manager.py",
    "nvlink/fabric.py",
    "nvlink/links.py",
    "nvlink/speed.py",
    "nvlink/errors.py",
]
H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture(params=["hgx-h100", "hgx-h200"])
def profile(request):
    return load(request.param)


@pytest.fixture
def healthy(profile, make_outputs, corpus_text):
    """A healthy node of the profile: a captured document of eight GPUs, the rest around it invented."""
    smi = corpus_text(H100)
    if profile.name == "hgx-h200":
        smi = smi.replace("NVIDIA H100 80GB HBM3", "NVIDIA H200").replace("81559 MiB", "143771 MiB")
    one = corpus_text("nvidia-smi-nvlink/01-h100-s-18links.txt")
    heads = [one.split("\n", 1)[0].replace("GPU 0:", f"GPU {n}:") for n in range(8)]
    counters = "".join(
        f"\t Link {n}: {name}: 0\n"
        for n in range(18)
        for name in ("Replay Errors", "Recovery Errors", "CRC Errors")
    )
    link = "current_link_width:16\n{0}/max_link_speed:32.0 GT/s PCIe\n{0}/current_link_speed:32.0 GT/s PCIe\n"
    bus = "".join(
        f"{a}/vendor:0x10de\n{a}/device:0x2330\n{a}/class:0x030200\n{a}/{link.format(a)}"
        f"{a}/aer_dev_fatal:TOTAL_ERR_FATAL 0\n{a}/aer_dev_nonfatal:TOTAL_ERR_NONFATAL 0\n"
        for a in (gpu.address[4:] for gpu in nvidia_smi_xml.parse(smi).gpus)
    ) + "".join(
        f"{a}/vendor:0x15b3\n{a}/device:0x1021\n{a}/class:0x020700\n{a}/{link.format(a)}{a}/infiniband/mlx5_{n}\n"
        for n, a in ((n, f"0000:0{n}:00.0") for n in range(8))
    )
    unit = "Id=nvidia-fabricmanager.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n"
    return make_outputs(
        {
            nvidia_smi_xml.QUERY: smi,
            nvidia_smi_nvlink.STATUS: "".join(f"{head}\n{one.split(chr(10), 1)[1]}" for head in heads),
            nvidia_smi_nvlink.ERRORS: "".join(f"{head}\n{counters}" for head in heads),
            pci_sysfs.DEVICES: bus,
            pci_sysfs.DRIVER_GPUS: "",
            systemd.unit("nvidia-fabricmanager"): unit,
            kernel_log.LOG: "1732100000\n90000.00 1.00\n[    0.000000] Linux version\n",
        }
    )


@pytest.mark.parametrize("file", CHECKS)
def test_a_healthy_node_passes(file, profile, healthy, load_check, make_node) -> None:
    check, node = load_check(file), make_node(profile=profile.name)
    context = Context(rules={profile.name: profile}, started=1_000_000.0)
    check.plan(node, context)
    outcome = judged(check, node, healthy, context)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")


def test_every_fault_is_declared_the_same_everywhere(load_check) -> None:
    declared: dict[str, set[object]] = {}
    for file in CHECKS:
        for fault in load_check(file).faults:
            declared.setdefault(fault.code, set()).add(fault)
    assert {code for code, faults in declared.items() if len(faults) > 1} == set()


@pytest.mark.parametrize("file", CHECKS)
def test_every_check_says_a_fact_and_its_faults_can_be_acted_on(file, load_check) -> None:
    check = load_check(file)
    assert check.says.endswith(".")
    for fault in check.faults:
        assert set(re.findall(r"\{(\w+)\}", fault.title + fault.action)) <= {"at", "node", "place"}
        assert len(fault.action) > 20
        assert fault.code not in fault.explained_by


@pytest.mark.parametrize("file", CHECKS)
def test_every_code_that_a_check_uses_is_declared(file, load_check) -> None:
    codes = {fault.code for fault in load_check(file).faults}
    text = (Path(__file__).resolve().parents[2] / "checks" / file).read_text()
    used = set(re.findall(r'Finding\(\s*"([A-Z-]+)"', text)) | set(re.findall(r'limit, "([A-Z-]+)"\)', text))
    assert used <= codes
