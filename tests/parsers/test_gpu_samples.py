"""What is sampled beside a load: the script on every shell, also with old drivers and a driver that hangs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import ParseError
from bringup.parsers import gpu_samples, inside
from bringup.parsers.gpu_samples import Sample, Series

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
HEAD = (
    "index, pci.bus_id, utilization.gpu [%], pcie.link.gen.current, pcie.link.width.current, clocks.current.sm [MHz],"
    " clocks.max.sm [MHz], temperature.gpu, temperature.memory, power.draw [W], enforced.power.limit [W],"
    " clocks_event_reasons.active\n"
)
# invented, in the form of nvidia-smi's own answers
IDLE = HEAD + "0, 00000000:1B:00.0, 0, 1, 16, 345, 1980, 31, 39, 70.10, 700.00, 0x0000000000000001\n"
BUSY = HEAD + "0, 00000000:1B:00.0, 100, 5, 16, 1695, 1980, 66, 74, 694.21, 700.00, 0x0000000000000004\n"
HELD = HEAD + "0, 00000000:1B:00.0, 99, 5, 16, 1200, 1980, 87, 93, 501.00, 700.00, 0x0000000000000048\n"
COPIES = HEAD + "0, 00000000:1B:00.0, 3, 5, 16, 1980, 1980, 50, 58, 200.00, 700.00, 0x0000000000000000\n"
FEW = HEAD + "0, 00000000:1B:00.0, 100, [N/A], [N/A], 1695, 1980, 66, N/A, [N/A], [N/A], [N/A]\n"


def test_only_samples_under_load_count_but_for_the_link() -> None:
    (one,) = gpu_samples.parse([IDLE, BUSY, HELD, COPIES])
    assert (one.index, one.address, len(one.samples)) == (0, "00000000:1b:00.0", 2)
    assert (one.pcie_gen, one.pcie_width) == (5, 16)
    assert one.samples[0] == Sample(
        index=0, address="00000000:1b:00.0", busy_percent=100, pcie_gen=5, pcie_width=16, sm_mhz=1695, sm_max_mhz=1980,
        temperature_c=66, memory_c=74, power_w=694.21, power_limit_w=700, reasons=4,
    )  # fmt: skip
    assert one.highest(lambda s: s.temperature_c) == 87
    assert one.median(lambda s: s.sm_mhz) == 1447.5
    assert [sample.reasons for sample in one.samples] == [0x04, 0x48]
    assert one.held == ("hw slowdown", "hw thermal slowdown")


def test_a_link_that_shows_only_while_copies_are_made_is_seen() -> None:
    (one,) = gpu_samples.parse([IDLE, COPIES])
    assert (one.samples, one.pcie_gen, one.pcie_width) == ((), 5, 16)
    assert one.highest(lambda s: s.temperature_c) is None and one.held is None


def test_what_the_driver_does_not_report_is_none() -> None:
    (one,) = gpu_samples.parse([FEW])
    sample = one.samples[0]
    told = (
        sample.pcie_gen,
        sample.pcie_width,
        sample.memory_c,
        sample.power_w,
        sample.power_limit_w,
        sample.reasons,
    )
    assert told == (None, None, None, None, None, None)
    assert (one.pcie_gen, one.held, one.cooled) == (None, None, False)


def test_several_gpus_in_the_order_of_their_numbers() -> None:
    second = "1, 00000008:00:00.0, 100, 5, 16, 1700, 1980, 66, 74, 694.21, 700.00, 0x0000000000000004\n"
    found = gpu_samples.parse([HEAD + second + BUSY.removeprefix(HEAD), BUSY])
    assert [(one.index, one.address, len(one.samples)) for one in found] == [
        (0, "00000000:1b:00.0", 2),
        (1, "00000008:00:00.0", 1),
    ]
    assert gpu_samples.parse([]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "No devices were found\n",
        "index, pci.bus_id\n0, 00000000:1B:00.0\n",
        BUSY.replace("00000000:1B:00.0", "slot 3"),
        BUSY.replace("0x0000000000000004", "busy"),
        BUSY.replace("694.21", "nan"),
        BUSY.replace("0, 0000", "GPU 0, 0000"),
        BUSY.rsplit(",", 2)[0] + "\n",
    ],
)
def test_what_is_no_sample(text: str) -> None:
    with pytest.raises(ParseError):
        gpu_samples.parse([text])


def test_the_list_is_in_the_order_of_addresses() -> None:
    text = "index, pci.bus_id\n0, 00000000:9D:00.0\n1, 00000000:1B:00.0\n2, 00000008:00:00.0\n"
    assert gpu_samples.parse_list(text) == (
        (1, "00000000:1b:00.0"),
        (0, "00000000:9d:00.0"),
        (2, "00000008:00:00.0"),
    )


# ---------------------------------------------------------------------------------------------- on a node


def run(shell: str, folder: Path, load: str) -> tuple[inside.Sections, int]:
    script = gpu_samples.listed() + gpu_samples.around(inside.section("load", load))
    call = [shell, "sh", "-c", script] if shell == "busybox" else [shell, "-c", script]
    env = {"PATH": f"{folder}:/usr/bin:/bin", "TMP": str(folder), "LC_ALL": "C"}
    ended = subprocess.run(call, capture_output=True, text=True, env=env, timeout=60, check=False)
    return inside.parse(ended.stdout), ended.returncode


def nvidia_smi(folder: Path, text: str) -> None:
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{text}")
    (folder / "nvidia-smi").chmod(0o755)


@pytest.mark.parametrize("shell", SHELLS)
def test_samples_are_taken_while_the_script_runs(shell: str, tmp_path: Path) -> None:
    nvidia_smi(tmp_path, f"cat <<'END'\n{BUSY}END\nexit 14\n")  # 14: a corrupt infoROM
    found, status = run(shell, tmp_path, "sleep 1.3; echo done")
    load = found.one("load")
    assert status == 0 and load is not None and (load.text, load.status) == ("done", 0)
    samples = [part.text for part in found.all(gpu_samples.SAMPLE)]
    assert len(samples) >= 2
    assert [len(one.samples) for one in gpu_samples.parse(samples)] == [len(samples)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_short_script_gets_its_one_sample(shell: str, tmp_path: Path) -> None:
    nvidia_smi(tmp_path, f"sleep 0.4\ncat <<'END'\n{BUSY}END\n")
    found, _ = run(shell, tmp_path, "sleep 0.1")
    (one,) = gpu_samples.parse([part.text for part in found.all(gpu_samples.SAMPLE) if part.status == 0])
    assert isinstance(one, Series) and len(one.samples) == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_an_old_driver_is_asked_in_its_own_words(shell: str, tmp_path: Path) -> None:
    refuses = 'Field "clocks_event_reasons.active" is not a valid field to query.'
    old = BUSY.replace("clocks_event_reasons", "clocks_throttle_reasons")
    nvidia_smi(tmp_path, f"case $* in *event*) echo '{refuses}'; exit 2 ;; esac\ncat <<'END'\n{old}END\n")
    found, _ = run(shell, tmp_path, "sleep 0.5")
    (one,) = gpu_samples.parse([part.text for part in found.all(gpu_samples.SAMPLE)])
    assert (one.samples[0].reasons, one.held) == (4, ())


@pytest.mark.parametrize("shell", SHELLS)
def test_without_the_tool_the_script_runs_all_the_same(shell: str, tmp_path: Path) -> None:
    found, status = run(shell, tmp_path, "echo done")
    assert status == 0
    assert [(part.name, part.text) for part in found.parts] == [("load", "done")]


def test_where_the_tool_hangs_nothing_is_loaded(tmp_path: Path) -> None:
    if not shutil.which("timeout"):
        pytest.skip("this machine has no timeout")
    nvidia_smi(tmp_path, "exec sleep 60\n")
    script = gpu_samples.listed().replace("timeout 30", "timeout 1") + inside.section("load", "echo loaded")
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    ended = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=env, timeout=30, check=False
    )
    found = inside.parse(ended.stdout)
    assert ended.returncode == gpu_samples.HANGS
    assert [(part.name, part.status) for part in found.parts] == [(gpu_samples.LIST, gpu_samples.HANGS)]
