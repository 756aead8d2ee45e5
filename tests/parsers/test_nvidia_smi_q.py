"""`nvidia-smi -q` text: every captured answer since driver 460, excerpts, lost GPUs, broken text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import nvidia_smi_q
from bringup.parsers.nvidia_smi_errors import Kind
from bringup.parsers.nvidia_smi_gpu import Ecc, Fabric, Gpu, Pcie, Remap, Retired, Smi
from bringup.parsers.nvidia_smi_q_tree import read as tree

Read = Callable[[str], str]

NO_REMAP = Remap(None, None, None, None)
NO_FABRIC = Fabric(None, None, None, None, None, ())
CLEAN = Remap(0, 0, False, False)
JOINED = Fabric("Completed", "Success", 0, "00000000-0000-0000-0000-000000000000", None, ())
H100 = Gpu(
    index=0,
    address="00000000:00:09.0",
    lost=False,
    name="NVIDIA H100 80GB HBM3",
    uuid="GPU-00000000-0000-0000-0000-000000000000",
    serial="0000000000000",
    vbios="96.00.A5.00.01",
    minor=0,
    memory_mib=81559,
    persistence="Enabled",
    mig="Disabled",
    mig_devices=0,
    ecc_mode="Enabled",
    recovery_action="None",
    ecc=Ecc(0, 0, False, ()),
    remap=CLEAN,
    retired=Retired(None, None, None),
    pcie=Pcie(5, 5, 16, 16, 9),
    slowdowns=("gpu_idle",),
    temperature_c=41.0,
    memory_temperature_c=48.0,
    power_w=69.62,
    power_limit_w=700.0,
    fabric=JOINED,
)
WHOLE: dict[str, Smi] = {
    "01-h100-590-fabric-completed.txt": Smi("590.48.01", "13.1", 1, (H100,)),
    "02-h200-590-fabric-completed.txt": Smi(
        "590.48.01",
        "13.1",
        1,
        (
            replace(
                H100,
                address="00000000:83:00.0",
                name="NVIDIA H200",
                vbios="96.00.A5.00.03",
                memory_mib=143771,
                pcie=Pcie(5, 5, 16, 16, 0),
                temperature_c=28.0,
                memory_temperature_c=32.0,
                power_w=77.88,
            ),
        ),
    ),
    "03-h100-mig-590.txt": Smi(
        "590.48.01",
        "13.1",
        1,
        (replace(H100, mig="Enabled", mig_devices=4, remap=NO_REMAP, temperature_c=42.0, power_w=72.63),),
    ),
    "04-l40s-595-no-nvlink-no-fabric.txt": Smi(
        "595.80",
        "13.2",
        1,
        (
            replace(
                H100,
                address="00000000:01:00.0",
                name="NVIDIA L40S",
                vbios="95.02.66.00.02",
                memory_mib=46068,
                persistence="Disabled",
                mig=None,
                pcie=Pcie(4, 4, 16, 16, 0),
                slowdowns=(),
                temperature_c=64.0,
                memory_temperature_c=None,
                power_w=119.88,
                power_limit_w=350.0,
                fabric=NO_FABRIC,
            ),
        ),
    ),
    "05-rtx2080-610-format.txt": Smi(
        "610.57.04",
        "13.3",
        1,
        (
            replace(
                H100,
                address="00000000:0c:00.0",
                name="NVIDIA GeForce RTX 2080 SUPER",
                serial=None,
                vbios="90.04.7A.40.73",
                memory_mib=8192,
                persistence="Disabled",
                mig=None,
                ecc_mode=None,
                ecc=Ecc(None, None, None, ()),
                remap=NO_REMAP,
                pcie=Pcie(1, 3, 16, 16, 0),
                temperature_c=33.0,
                memory_temperature_c=None,
                power_w=38.89,
                power_limit_w=250.0,
                fabric=NO_FABRIC,
            ),
        ),
    ),
    "07-h800-525-ecc-disabled.txt": Smi(
        "525.105.17",
        "12.0",
        8,
        (
            replace(
                H100,
                index=None,
                address="00000000:18:00.0",
                name="NVIDIA H800",
                uuid="GPU-34bf77d1-c686-6821-79a8-32d326c5039c",
                serial="1651323018291",
                vbios="96.00.51.00.0E",
                ecc_mode="Disabled",
                recovery_action=None,
                ecc=Ecc(None, None, None, ()),
                pcie=Pcie(5, 5, 16, 16, 0),
                temperature_c=35.0,
                memory_temperature_c=44.0,
                power_w=74.71,
                fabric=Fabric("Completed", "Success", None, None, None, ()),
            ),
        ),
    ),
}
PARTS = {
    "06-a100x8-460-full.txt",
    "08-a100-510-xid63-row-remap-pending.txt",
    "09-azure-x8-535-d-page-retirement-bad.txt",
    "10-azure-x8-535-d-page-retirement-orig.txt",
    "11-h100sxm-x8-565-full.txt",
    "12-gb300-fabric-in-progress-excerpt.txt",
    "14-gb200-fabric-recovering-literal.txt",
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("nvidia-smi-q")) <= {*WHOLE, *PARTS}


@pytest.mark.parametrize("name", WHOLE)
def test_captured(read: Read, name: str) -> None:
    assert nvidia_smi_q.parse(read(f"nvidia-smi-q/{name}")) == WHOLE[name]


def test_eight_a100_of_an_old_driver(read: Read) -> None:
    smi = nvidia_smi_q.parse(read("nvidia-smi-q/06-a100x8-460-full.txt"))
    assert (smi.driver, smi.attached) == ("460.32.03", 8)
    assert [(g.index, g.address[:8]) for g in smi.gpus] == [
        (n, f"000000{domain}") for n, domain in enumerate(("01", "02", "03", "04", "0b", "0c", "0d", "0e"))
    ]
    assert {
        (g.name, g.persistence, g.memory_mib, g.pcie, g.remap, g.retired, g.fabric, g.ecc, g.slowdowns)
        for g in smi.gpus
    } == {
        (
            "A100-SXM4-40GB",
            "Disabled",
            40536,
            Pcie(4, 4, 16, 16, 0),
            CLEAN,
            Retired(None, None, None),
            NO_FABRIC,
            Ecc(0, 0, None, ()),
            ("gpu_idle",),
        )
    }


def test_eight_h100(read: Read) -> None:
    smi = nvidia_smi_q.parse(read("nvidia-smi-q/11-h100sxm-x8-565-full.txt"))
    assert (smi.driver, smi.attached, len(smi.gpus)) == ("565.57.01", 8, 8)
    assert {(g.fabric, g.remap, g.persistence, g.pcie.gen_max, g.pcie.width) for g in smi.gpus} == {
        (JOINED, CLEAN, "Enabled", 5, 16)
    }
    assert [g.pcie.replays for g in smi.gpus] == [7, 0, 0, 0, 0, 4, 15, 0]


def test_a_row_remap_that_waits_for_a_reset(read: Read) -> None:
    (gpu,) = nvidia_smi_q.parse(read("nvidia-smi-q/08-a100-510-xid63-row-remap-pending.txt")).gpus
    assert (gpu.address, gpu.index, gpu.remap) == ("00000000:10:1c.0", None, Remap(1, 0, True, False))
    assert gpu.ecc == Ecc(0, 0, None, ())


def test_retired_pages(read: Read) -> None:
    bad = nvidia_smi_q.parse(read("nvidia-smi-q/09-azure-x8-535-d-page-retirement-bad.txt"))
    assert [(g.retired.single_bit, g.retired.double_bit, g.retired.pending) for g in bad.gpus] == [
        (60, 5, False), (2, 61, True), (0, 0, False), (6, 0, True),
        (0, 0, False), (20, 45, True), (0, 0, False), (8, 56, True),
    ]  # fmt: skip
    good = nvidia_smi_q.parse(read("nvidia-smi-q/10-azure-x8-535-d-page-retirement-orig.txt"))
    assert {g.retired for g in good.gpus} == {Retired(0, 0, False)}
    assert [g.address for g in good.gpus] == [f"0000000{n}:00:00.0" for n in range(1, 9)]


def test_a_fabric_that_is_not_joined(read: Read) -> None:
    waiting = Fabric("In Progress", None, None, None, None, ())
    excerpt = read("nvidia-smi-q/12-gb300-fabric-in-progress-excerpt.txt")
    assert nvidia_smi_q.fabrics(excerpt) == (("", waiting),)
    with pytest.raises(ParseError):
        nvidia_smi_q.parse(excerpt)
    unindented = "\n".join(line.removeprefix("    ") for line in excerpt.splitlines())
    assert nvidia_smi_q.fabrics(unindented) == (("", waiting),)


def test_a_fabric_that_recovers(read: Read) -> None:
    recovering = Fabric(
        "In Progress",
        "Success",
        None,
        None,
        "Unhealthy",
        ("route recovery in progress: True", "route unhealthy: True"),
    )
    text = read("nvidia-smi-q/14-gb200-fabric-recovering-literal.txt")
    assert nvidia_smi_q.fabrics(text) == (("00000000:01:00.0", recovering),)
    (gpu,) = nvidia_smi_q.parse(text).gpus
    assert (gpu.name, gpu.fabric) == ("NVIDIA GB200", recovering)


def test_values_are_found_by_their_path(read: Read) -> None:
    (gpu,) = tree(read("nvidia-smi-q/03-h100-mig-590.txt")).gpus
    own = gpu.find("FB Memory Usage/Total")
    parts = [section.find("Shared FB Memory Usage/Total") for section in gpu.all("MIG Device")]
    assert own is not None
    assert own.value == "81559 MiB"
    assert [part.value for part in parts if part] == ["40448 MiB", "20096 MiB", "9984 MiB", "9984 MiB"]


LOG = "Attached GPUs : 2\nGPU 00000000:01:00.0\n    Product Name : NVIDIA H100\n"


def test_a_lost_gpu() -> None:
    # invented values; the sentences are the driver's
    text = (
        "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error\n"
        + LOG
        + "    Minor Number : GPU is lost\n    FB Memory Usage\n        Total : 81559 MiB\n"
    )
    smi = nvidia_smi_q.parse(text)
    assert [(c.kind, c.index, c.address) for c in smi.complaints] == [(Kind.GPU, 1, "00000000:34:00.0")]
    assert [(g.lost, g.minor, g.index) for g in smi.gpus] == [(True, None, None)]


def test_pending_repairs_and_hardware_slowdowns() -> None:
    # invented values under the keys of driver 590
    text = (
        LOG
        + "    Clocks Event Reasons\n        Idle : Not Active\n        HW Slowdown : Active\n"
        + "            HW Thermal Slowdown : Active\n        Display Clock Setting : Active\n"
        + "    ECC Errors\n        Volatile\n            SRAM Uncorrectable SEC-DED : 1\n            DRAM Uncorrectable : 2\n"
        + "        Channel Repair Pending : Yes\n"
    )
    (gpu,) = nvidia_smi_q.parse(text).gpus
    assert gpu.slowdowns == ("hw_slowdown", "hw_thermal_slowdown", "display_clocks_setting")
    assert gpu.hardware_slowdowns == ("hw_slowdown", "hw_thermal_slowdown")
    assert gpu.ecc == Ecc(3, None, None, ("channel repair",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "==============NVSMI LOG==============\n\nAttached GPUs : 8\n",
        "GPU 00000000:01:00.0\n",
        LOG + LOG.replace("Attached GPUs : 2\n", ""),
        LOG + "    Minor Number : first\n",
        LOG + "    Minor Number : 1.5\n",
        LOG + "    Remapped Rows\n        Pending : Maybe\n",
        LOG + "    Clocks Event Reasons\n        HW Slowdown : Perhaps\n",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
        "Segmentation fault\n",
    ],
)
def test_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        nvidia_smi_q.parse(text)


@given(st.text())
def test_any_text_gives_gpus_or_a_parse_error(text: str) -> None:
    for tried in (
        text,
        LOG + text,
        f"{LOG}    Minor Number : {text}",
        f"{LOG}    Fabric\n        State : {text}",
    ):
        for parse in (nvidia_smi_q.parse, nvidia_smi_q.fabrics):
            try:
                assert parse(tried)
            except ParseError:
                pass
