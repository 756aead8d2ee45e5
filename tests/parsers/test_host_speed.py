"""Speed of processors' memory and of drives: what the tools print, and the scripts on real files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import ParseError
from bringup.parsers import host_memory, nvme_speed
from bringup.parsers.host_memory import MemorySpeed
from bringup.parsers.nvme_speed import Drive

# invented, in the form that STREAM 5.10 prints
STREAM = """-------------------------------------------------------------
STREAM version $Revision: 5.10 $
-------------------------------------------------------------
Number of Threads requested = 224
Function    Best Rate MB/s  Avg time     Min time     Max time
Copy:          432177.1     0.037205     0.037021     0.037414
Scale:         430012.8     0.037418     0.037207     0.037881
Add:           441930.7     0.054499     0.054307     0.054703
Triad:         442250.3     0.054455     0.054268     0.054881
-------------------------------------------------------------
Solution Validates: avg error less than 1.000000e-13 on all three arrays
"""
OWN = '{"bringup_memory_load": 2, "processors": 224, "silent": 0, "copy_gbs": 431.5, "wrong": 0}\n'


def test_stream() -> None:
    assert host_memory.parse_stream(STREAM) == MemorySpeed(432.1771, 442.2503, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        STREAM[: STREAM.index("Triad")],
        STREAM.replace("Solution Validates", "Failed Validation"),
        "Copy: nan 1 1 1",
    ],
)
def test_stream_that_was_cut_off_or_wrong_is_no_result(text: str) -> None:
    with pytest.raises(ParseError):
        host_memory.parse_stream(text)


def test_own() -> None:
    assert host_memory.parse_own(f"a warning\n{OWN}") == MemorySpeed(431.5, None, 224)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2,", "1,"),
        ('"silent": 0', '"silent": 3'),
        ("224", "0"),
        ("431.5", "NaN"),
        ("431.5", "0"),
        ("0}", "0"),
        (', "wrong": 0', ""),
        ('"wrong": 0', '"wrong": -1'),
        (OWN, ""),
    ],
)
def test_own_that_is_not_whole_is_no_result(old: str, new: str) -> None:
    with pytest.raises(ParseError):
        host_memory.parse_own(OWN.replace(old, new, 1))


# -------------------------------------------------------------------------------------------------- drives


def answer(drives: str, *parts: tuple[str, str]) -> str:
    shown = "".join(f"@bringup begin {name}\n{text}\n@bringup end {name} 0\n" for name, text in parts)
    return f"@bringup begin drives\n{drives}@bringup end drives 0\n{shown}"


def fio(bw: object, error: int = 0) -> str:
    """invented, in the form of fio 3"""
    job = {"jobname": "nvme1n1", "error": error, "read": {"bw_bytes": bw, "bw": 1}}
    return f"fio: a note\n{json.dumps({'fio version': 'fio-3.28', 'jobs': [job]}, indent=2)}"


DD = "256+0 records in\n256+0 records out\n2147483648 bytes (2.1 GB, 2.0 GiB) copied, 0.318 s, 6.8 GB/s"
ONE = "drive nvme1n1 SAMSUNG   MZWLO3T8  \n"


@pytest.mark.parametrize(
    ("text", "drive"),
    [
        (answer(ONE, ("fio/nvme1n1", fio(6_900_000_000))), Drive("nvme1n1", "SAMSUNG MZWLO3T8", 6.9)),
        (answer(ONE, ("fio/nvme1n1", fio(0))), Drive("nvme1n1", "SAMSUNG MZWLO3T8", None, "fio read nothing")),
        (answer(ONE, ("fio/nvme1n1", fio(5, 13))), Drive("nvme1n1", "SAMSUNG MZWLO3T8", None, "fio ended with error 13")),
        (
            answer(ONE, ("fio/nvme1n1", "fio: engine libaio not loadable")),
            Drive("nvme1n1", "SAMSUNG MZWLO3T8", None, "fio: engine libaio not loadable"),
        ),
        (answer("drive nvme0n1\n", ("dd/nvme0n1", DD)), Drive("nvme0n1", "unknown model", 2147483648 / 0.318 / 1e9)),
        (
            answer("drive nvme0n1\n", ("dd/nvme0n1", "2147483648 bytes (2.0GB) copied, 0.500000 seconds, 4.0GB/s")),
            Drive("nvme0n1", "unknown model", 2147483648 / 0.5 / 1e9),
        ),
        (
            answer(ONE, ("dd/nvme1n1", "dd: failed to open '/dev/nvme1n1': Permission denied")),
            Drive("nvme1n1", "SAMSUNG MZWLO3T8", None, "dd: failed to open '/dev/nvme1n1': Permission denied"),
        ),
    ],
)  # fmt: skip
def test_each_answer_of_a_drive(text: str, drive: Drive) -> None:
    assert nvme_speed.parse(text) == (drive,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@bringup begin drives\ndrive nvme0n1 a\n",
        answer(ONE),
        answer(ONE, ("fio/nvme1n1", fio("fast"))),
        answer(ONE, ("fio/nvme1n1", fio(1)[:60])),
        answer("drive sda a\n"),
        answer("drive nvme0n1;reboot a\n"),
        answer(ONE) + "@bringup begin fio/nvme1n1\n",
    ],
)
def test_what_is_cut_off_or_unknown_is_no_result(text: str) -> None:
    with pytest.raises(ParseError):
        nvme_speed.parse(text)


def test_no_drive_is_an_answer() -> None:
    assert nvme_speed.parse(answer("")) == ()


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The files of a node with a drive, one that is dead, one over the network, and a name that must not be run."""
    for name, transport, state in (
        ("nvme0", "pcie", "live"), ("nvme1", "pcie", "dead"), ("nvme2", "tcp", "live"), ("nvme3;touch evil", "pcie", "live"),
    ):  # fmt: skip
        at = tmp_path / "sys/class/nvme" / name
        at.mkdir(parents=True)
        (at / "transport").write_text(f"{transport}\n")
        (at / "state").write_text(f"{state}\n")
        (at / "model").write_text("A DRIVE\n")
        device = tmp_path / f"dev/{name}n1"
        device.parent.mkdir(exist_ok=True)
        device.write_bytes(os.urandom(1 << 20))
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.mark.parametrize("shell", [s for s in ("dash", "bash", "busybox") if shutil.which(s)])
def test_dd_reads_the_live_drives_and_writes_nothing(shell: str, node: Path) -> None:
    before = {p: p.read_bytes() for p in (node / "dev").iterdir()}
    script = nvme_speed.read(1, "no-such-fio").script.replace(
        "iflag=direct", ""
    )  # files of a test have no such way
    call = [shell, "sh", "-c", script] if shell == "busybox" else [shell, "-c", script]
    env = {"PATH": "/usr/bin:/bin", "ROOT": str(node), "TMP": str(node / "tmp"), "LC_ALL": "C"}
    ended = subprocess.run(call, capture_output=True, text=True, env=env, timeout=60, check=True)
    (drive,) = nvme_speed.parse(ended.stdout)
    assert (drive.name, drive.model, drive.why) == ("nvme0n1", "A DRIVE", "")
    assert drive.gbs is not None and drive.gbs > 0
    assert {p: p.read_bytes() for p in (node / "dev").iterdir()} == before
    assert not (node / "tmp/evil").exists()


def test_without_nvme_nothing_is_read(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "ROOT": str(tmp_path), "TMP": str(tmp_path)}
    script = nvme_speed.read(1).script
    ended = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env=env, timeout=60, check=True
    )
    assert nvme_speed.parse(ended.stdout) == ()


def test_drives_are_only_ever_read() -> None:
    script = nvme_speed.read(3, "/opt/it's/fio").script
    assert "--readonly --rw=read" in script and "'/opt/it'\"'\"'s/fio'" in script
    assert "of=/dev/null" in script and script.count("of=") == 1
    assert nvme_speed.read(3).root
