"""PCI devices from /sys: the command in real shells on a made tree, and the reading of its answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.pci_sysfs import DEVICES, DRIVER_GPUS, Device, generation, parse, parse_driver_gpus

GPU = {
    "vendor": "0x10de",
    "device": "0x2330",
    "class": "0x030200",
    "current_link_speed": "2.5 GT/s PCIe",
    "current_link_width": "16",
    "max_link_speed": "32.0 GT/s PCIe",
    "max_link_width": "16",
    "aer_dev_fatal": "Undefined 0\nDLP 0\nTOTAL_ERR_FATAL 0",
    "aer_dev_nonfatal": "Undefined 0\nTOTAL_ERR_NONFATAL 3",
    "aer_dev_correctable": "RxErr 12\nTOTAL_ERR_COR 12",
}
HOST = {"vendor": "0x8086", "device": "0x0d57", "class": "0x060000"}
NIC = {"vendor": "0x15b3", "device": "0x1021", "class": "0x020700", "current_link_speed": "32.0 GT/s PCIe"}


def answer(*devices: tuple[str, dict[str, str]], rdma: str = "") -> str:
    """What DEVICES prints for these devices."""
    lines: list[str] = []
    for address, files in devices:
        for name, text in files.items():
            lines += [
                f"{address}/{name}:{row}" for row in text.split("\n") if "aer" not in name or "TOTAL" in row
            ]
    return "\n".join(lines) + "\n" + rdma


def test_a_gpu_a_nic_and_a_bridge_without_link() -> None:
    text = answer(
        ("0000:9b:00.0", GPU),
        ("0000:00:00.0", HOST),
        ("0000:1a:00.0", NIC),
        rdma="0000:1a:00.0/infiniband/mlx5_0\n",
    )
    assert parse(text) == (
        Device("00000000:00:00.0", 0x8086, 0x0D57, 0x060000),
        Device("00000000:1a:00.0", 0x15B3, 0x1021, 0x020700, speed_gts=32.0, rdma="mlx5_0"),
        Device("00000000:9b:00.0", 0x10DE, 0x2330, 0x030200, 2.5, 16, 32.0, 16, 0, 3, 12),
    )


@pytest.mark.parametrize(
    ("device_class", "vendor", "gpu", "nic"),
    [
        ("0x030200", "0x10de", True, False),
        ("0x030000", "0x10de", True, False),
        ("0x068000", "0x10de", False, False),  # NVSwitch
        ("0x030000", "0x1a03", False, False),  # the BMC's display
        ("0x020700", "0x15b3", False, True),
        ("0x020000", "0x15b3", False, True),
    ],
)
def test_what_is_a_gpu_and_what_a_nic(device_class: str, vendor: str, gpu: bool, nic: bool) -> None:
    (device,) = parse(answer(("0000:01:00.0", {"vendor": vendor, "device": "0x1", "class": device_class})))
    assert (device.is_nvidia_gpu, device.is_nic) == (gpu, nic)


def test_a_device_that_does_not_answer_has_no_link_values() -> None:
    dead = GPU | {"current_link_speed": "Unknown", "current_link_width": "63", "max_link_width": "63"}
    (device,) = parse(answer(("0000:9b:00.0", dead)))
    assert (device.answers, device.speed_gts, device.width, device.max_width) == (False, None, None, None)


def test_older_kernels_write_the_speed_shorter() -> None:
    (device,) = parse(
        answer(("0000:9b:00.0", GPU | {"current_link_speed": "16 GT/s", "max_link_speed": "16 GT/s"}))
    )
    assert (device.speed_gts, device.max_generation) == (16.0, 4)


def test_generations() -> None:
    assert [generation(s) for s in (2.5, 5.0, 8.0, 16.0, 32.0, 64.0, 7.0, None)] == [
        1,
        2,
        3,
        4,
        5,
        6,
        None,
        None,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "grep: something\n",
        "0000:9b:00.0/vendor:0x10de\n",
        answer(("0000:9b:00.0", GPU | {"vendor": "nvidia"})),
        answer(("0000:9b:00.0", GPU | {"current_link_speed": "fast"})),
        answer(("0000:9b:00.0", GPU | {"current_link_width": "x16"})),
        answer(("0000:9b:00.0", GPU | {"aer_dev_fatal": "TOTAL_ERR_FATAL many"})),
        "elsewhere/vendor:0x10de\n",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_gpus_of_the_driver() -> None:
    assert parse_driver_gpus("0000:1a:00.0\n0000:9b:00.0\n") == ("00000000:1a:00.0", "00000000:9b:00.0")
    with pytest.raises(ParseError):
        parse_driver_gpus("ls: cannot access\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small /sys and /proc."""
    for address, files in (("0000:9b:00.0", GPU), ("0000:00:00.0", HOST), ("0000:1a:00.0", NIC)):
        folder = tmp_path / "sys/bus/pci/devices" / address
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text + "\n")
    (tmp_path / "sys/bus/pci/devices/0000:1a:00.0/infiniband/mlx5_0").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/gpus/0000:9b:00.0").mkdir(parents=True)
    return tmp_path


SHELLS = [s for s in (["dash"], ["bash", "--posix"], ["busybox", "ash"]) if shutil.which(s[0])]


def run(shell: list[str], script: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, "-c", script],
        env={"ROOT": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_commands_in_a_real_shell(shell: list[str], root: Path) -> None:
    done = run(shell, DEVICES.script, root)
    assert (done.returncode, done.stderr) == (0, "")
    assert parse(done.stdout) == (
        Device("00000000:00:00.0", 0x8086, 0x0D57, 0x060000),
        Device("00000000:1a:00.0", 0x15B3, 0x1021, 0x020700, speed_gts=32.0, rdma="mlx5_0"),
        Device("00000000:9b:00.0", 0x10DE, 0x2330, 0x030200, 2.5, 16, 32.0, 16, 0, 3, 12),
    )
    assert parse_driver_gpus(run(shell, DRIVER_GPUS.script, root).stdout) == ("00000000:9b:00.0",)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_without_a_pci_bus_the_command_fails(shell: list[str], tmp_path: Path) -> None:
    done = run(shell, DEVICES.script, tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""


@given(st.text())
def test_any_text_gives_devices_or_a_parse_error(text: str) -> None:
    for tried in (text, f"0000:9b:00.0/{text}", answer(("0000:9b:00.0", GPU)) + text):
        for read in (parse, parse_driver_gpus):
            try:
                assert isinstance(read(tried), tuple)
            except ParseError:
                pass
