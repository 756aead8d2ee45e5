"""host.disk, host.shm, host.nvme: full, read-only, small, missing, dead."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.storage import FILESYSTEMS, NVME

LIMITS = {"host.disk.used": ("<", 95, "%"), "host.shm": (">=", 8, "GiB")}
# invented, as the commands print it; the sizes are those of `df -Pk`
GOOD = """mount / /dev/mapper/vg0-root ext4 rw,relatime
mount /boot /dev/nvme0n1p2 ext4 ro,relatime
mount /dev/shm tmpfs tmpfs rw,nosuid,nodev
size / 264212084 23539312 23%
size /boot 1992552 310872 17%
size /dev/shm 1056964608 10404 1%
end
"""
DRIVES = "".join(
    f"nvme{n}/transport:pcie\nnvme{n}/state:live\nnvme{n}/model:SAMSUNG MZWLO3T8      \nnvme{n}/serial:S76Z{n}\n"
    for n in range(3)
)


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(file: str, text: object, limits=LIMITS):
        check = load_check(f"host/{file}.py")
        command = NVME if file == "nvme" else FILESYSTEMS
        return judged(check, node, make_outputs({command: text}), make_context(limits))

    return run


def test_healthy(judge, values) -> None:
    disk, shm = judge("disk", GOOD), judge("shm", GOOD)
    assert (disk.verdict, shm.verdict) == (Verdict.PASS, Verdict.PASS)
    assert values(disk) == [
        ("read-only", "gpu-001", 0, True),
        ("used /", "gpu-001", 23, True),
        ("used /boot", "gpu-001", 17, True),
    ]
    assert values(shm) == [("shared memory", "gpu-001", 1008.0, True)]


def test_a_full_disk(judge) -> None:
    outcome = judge("disk", GOOD.replace("23539312 23%", "253539312 96%"))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.value, m.code) for m in outcome.measurements if not m.ok] == [
        ("used /", 96, "DISK-FULL")
    ]


def test_full_temporary_files_in_memory(judge) -> None:
    text = GOOD.replace("end\n", "mount /tmp tmpfs tmpfs rw\nsize /tmp 8388608 8388608 100%\nend\n")
    outcome = judge("disk", text)
    assert [(m.name, m.value, m.code) for m in outcome.measurements if not m.ok] == [
        ("used /tmp", 100, "DISK-FULL")
    ]


def test_a_root_that_turned_read_only(judge, found) -> None:
    outcome = judge("disk", GOOD.replace("vg0-root ext4 rw", "vg0-root ext4 ro"))
    assert (outcome.verdict, found(outcome)) == (Verdict.FAIL, [("fail", "ROOT-READ-ONLY", "gpu-001")])


def test_another_disk_that_turned_read_only(judge, found) -> None:
    outcome = judge("disk", GOOD.replace("/boot ", "/mnt/nvme1 "))
    assert (outcome.verdict, found(outcome)) == (Verdict.FAIL, [("fail", "DISK-READ-ONLY", "gpu-001")])


def test_a_read_only_bind_mount_of_a_writable_disk_is_fine(judge) -> None:
    text = "mount /srv/images /dev/mapper/vg0-root ext4 ro,relatime\n" + GOOD
    assert judge("disk", text).verdict is Verdict.PASS


def test_small_or_missing_shared_memory(judge, values, found) -> None:
    small = judge("shm", GOOD.replace("1056964608", "65536"))
    assert (small.verdict, values(small)) == (Verdict.FAIL, [("shared memory", "gpu-001", 0.1, False)])
    without = "".join(line + "\n" for line in GOOD.splitlines() if "shm" not in line)
    none = judge("shm", without)
    assert (none.verdict, found(none)) == (Verdict.FAIL, [("fail", "SHM-SIZE", "gpu-001")])


@pytest.mark.parametrize("file", ["disk", "shm"])
def test_unreadable_cut_off_missing(judge, file, answer) -> None:
    assert judge(file, GOOD.removesuffix("end\n")).code == "OUTPUT-UNKNOWN"
    assert judge(file, "size / 1 2 full\nend\n").code == "OUTPUT-UNKNOWN"
    assert judge(file, answer(ended=Ended.MISSING, detail="df")).code == "TOOL-MISSING"
    assert judge(file, "mount /dev/shm tmpfs tmpfs rw\nend\n").verdict is Verdict.ERROR


def test_drives_without_a_plan_are_readings(judge, values) -> None:
    outcome = judge("nvme", DRIVES + "end\n")
    assert outcome.verdict is Verdict.PASS
    assert values(outcome)[:3] == [
        ("nvme drives", "gpu-001", 3, True),
        ("nvme models", "gpu-001", "3 x SAMSUNG MZWLO3T8", True),
        ("nvme0 state", "gpu-001", "live", True),
    ]


def test_too_few_drives_for_the_profile(judge, values) -> None:
    outcome = judge("nvme", DRIVES + "end\n", {"host.nvme.count": ("==", 8)})
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements if not m.ok] == [(3, "NVME-COUNT")]


def test_a_dead_drive_is_named_with_its_serial_number(judge) -> None:
    outcome = judge("nvme", DRIVES.replace("nvme1/state:live", "nvme1/state:dead") + "end\n")
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.value, m.code) for m in outcome.measurements if not m.ok] == [
        ("nvme1 state", "dead", "NVME-DEAD")
    ]
    assert outcome.findings[0].message == "nvme1: SAMSUNG MZWLO3T8, serial S76Z1"


def test_no_drive_is_a_reading_and_drives_of_the_network_do_not_count(judge, values) -> None:
    assert values(judge("nvme", "end\n"))[0] == ("nvme drives", "gpu-001", 0, True)
    far = "nvme9/transport:rdma\nnvme9/state:live\nend\n"
    assert values(judge("nvme", DRIVES + far))[0] == ("nvme drives", "gpu-001", 3, True)


def test_drives_cut_off(judge) -> None:
    assert judge("nvme", DRIVES).code == "OUTPUT-UNKNOWN"
