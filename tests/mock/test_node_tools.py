"""The simulated tools for copies, diagnosis, storage and BMC, read by the product's own parsers."""

from __future__ import annotations

import json

import pytest

from bringup.mock import SHAPES
from bringup.parsers import dcgmi, dcgmi_diag, nvbandwidth


@pytest.mark.parametrize(("shape", "host", "pair"), [
    ("hgx-a100", 27.7, 246), ("hgx-h100", 55.4, 392), ("hgx-b200", 55.4, 784), ("gb200-nvl72", 369, 784),
])  # fmt: skip
def test_nvbandwidth_follows_from_slots_and_links(shape, host, pair, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    tests = (nvbandwidth.HOST_TO_DEVICE, nvbandwidth.DEVICE_TO_HOST, nvbandwidth.DEVICE_TO_DEVICE_WRITE)
    report = nvbandwidth.parse(lab.text("n-001", nvbandwidth.run(tests)))
    assert report.driver == SHAPES[shape].driver
    down, up, across = report.tests
    count = len(SHAPES[shape].gpu_bdfs)
    assert [t.name for t in report.tests] == list(tests) and {t.status for t in report.tests} == {"Passed"}
    assert down.cells == pytest.approx([host] * count, rel=0.01)
    assert up.cells == pytest.approx([host] * count, rel=0.01)
    assert across.cells == pytest.approx([pair] * (count * count - count), rel=0.01)
    assert across.total == pytest.approx(sum(across.cells), rel=1e-4)


def test_nvbandwidth_has_the_keys_of_a_real_one(shaped, corpus):  # type: ignore[no-untyped-def]
    real = json.loads(corpus("nvbandwidth/02-json-full.json"))["nvbandwidth"]
    mine = json.loads(shaped("hgx-h100").sh("n-001", "nvbandwidth -j").stdout)["nvbandwidth"]
    assert set(mine) == set(real)
    assert set(mine["testcases"][0]) == set(real["testcases"][0])
    unknown = json.loads(shaped("hgx-h100").sh("n-001", "nvbandwidth -j -t no_such_test").stdout)
    assert unknown["nvbandwidth"]["testcases"] == [{"name": "no_such_test", "status": "ERROR"}]


@pytest.mark.parametrize(("shape", "root", "tests"), [
    ("hgx-a100", "DCGM GPU Diagnostic", 9), ("hgx-h100", "DCGM Diagnostic", 1),
])  # fmt: skip
def test_dcgm_in_both_dialects(shape, root, tests, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    node = lab.served.hardware("n-001")
    found = dcgmi.parse_discovery(lab.text("n-001", dcgmi.DISCOVERY))
    assert [(g.id, g.address, g.uuid) for g in found.gpus] == [
        (g.index, f"0000{g.bdf}", g.uuid) for g in node.gpus
    ]
    assert found.switches == len(SHAPES[shape].switch_bdfs)
    text = lab.text("n-001", dcgmi_diag.diag(1))
    assert root in json.loads(text)
    diagnosis = dcgmi_diag.parse(text)
    assert len(diagnosis.tests) == tests and {t.worst for t in diagnosis.tests} == {"Pass"}
    health = json.loads(lab.sh("n-001", "sudo -n dcgmi health -c -j").stdout)
    assert health["body"]["Overall Health"]["value"] == "Healthy"
    version = dcgmi.parse_version(lab.text("n-001", dcgmi.VERSION))
    assert version.client == version.daemon


def test_dcgm_tells_what_is_wrong(lab):  # type: ignore[no-untyped-def]
    one = lab("remap-pending", count=1, params={"gpu": 3})
    done = one.sh("gpu-001", "sudo -n dcgmi diag -r 1 -j")
    diagnosis = dcgmi_diag.parse(done.stdout)
    assert done.returncode == 226
    assert [(t.worst, t.gpus("Fail")) for t in diagnosis.tests] == [("Fail", (3,))]
    assert any("row remappings are pending" in m for t in diagnosis.tests for m in t.messages)
    health = json.loads(one.sh("gpu-001", "sudo -n dcgmi health -c -j").stdout)
    assert health["body"]["Overall Health"]["value"] == "Failure"


@pytest.mark.parametrize("shape", ["hgx-h100", "gb200-nvl72", "cpu-ethernet"])
def test_drives_and_bmc(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    drives = json.loads(lab.sh("n-001", "sudo -n nvme list -o json").stdout)["Devices"]
    blocks = json.loads(lab.sh("n-001", "lsblk -J").stdout)["blockdevices"]
    assert len(drives) == len(blocks) == SHAPES[shape].nvmes + 1
    assert [d["DevicePath"] for d in drives] == [f"/dev/{b['name']}" for b in blocks]
    assert len({d["SerialNumber"] for d in drives}) == len(drives)
    events = lab.sh("n-001", "sudo -n ipmitool sel elist").stdout.splitlines()
    assert len(events) == 1 and events[0].count(" | ") == 5
    sensors = lab.sh("n-001", "sudo -n ipmitool sdr").stdout.splitlines()
    assert {line.split("|")[2].strip() for line in sensors} == {"ok"}
    assert lab.sh("n-001", "ipmitool sdr").returncode == 1
    assert lab.sh("n-001", "nvme list -o json").returncode == 1
