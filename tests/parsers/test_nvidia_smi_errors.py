"""The driver's failure sentences: captured ones in all spellings, exit codes, and what they mean for a check."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.commands import Command, Ended, Output
from bringup.errors import CannotJudge
from bringup.parsers.nvidia_smi_errors import Complaint, Kind, answer, classify, is_complaint

EXPECTED = {
    "01-unable-device-handle-gpu-no-space.txt": (
        Complaint(
            Kind.GPU,
            "Unable to determine the device handle for GPU0000:CB:00.0: Unknown Error",
            index=None,
            address="00000000:cb:00.0",
            reason="Unknown Error",
        ),
    ),
    "03-cannot-communicate-with-driver.txt": (
        Complaint(
            Kind.DRIVER, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
        ),
    ),
    "04-nvml-driver-library-mismatch-2-lines.txt": (
        Complaint(Kind.MISMATCH, "Failed to initialize NVML: Driver/library version mismatch"),
    ),
    "06-device-handle-gpu-lost-two-blanks.txt": (
        Complaint(
            Kind.GPU,
            "Unable to determine the device handle for GPU 0000:05:00.0: GPU is lost.  "
            "Reboot the system to recover this GPU",
            index=None,
            address="00000000:05:00.0",
            reason="GPU is lost",
        ),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("nvidia-smi-errors")) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_sentence(name: str, captured: Callable[[str], dict[str, str]]) -> None:
    assert classify(captured("nvidia-smi-errors")[name]) == EXPECTED[name]


@pytest.mark.parametrize(
    ("sentence", "index", "address"),
    [
        (
            "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error",
            1,
            "00000000:34:00.0",
        ),
        (
            "Unable to determine the device handle for GPU 0000:05:00.0: Unknown Error",
            None,
            "00000000:05:00.0",
        ),
        (
            "Unable to determine the device handle for GPU0001:00:00.0: Unknown Error",
            None,
            "00000001:00:00.0",
        ),
        ("Unable to determine the device handle for gpu 0000:01:00.0: Not Found", None, "00000000:01:00.0"),
        ("Unable to determine the device handle for GPU2:0000:34:00.0: Unknown Error", 2, "00000000:34:00.0"),
        ("Unable to determine the device handle for a GPU that we cannot name", None, None),  # invented
    ],
)
def test_which_gpu_a_sentence_means(sentence: str, index: int | None, address: str | None) -> None:
    (complaint,) = classify(sentence)
    assert (complaint.kind, complaint.index, complaint.address) == (Kind.GPU, index, address)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("WARNING: infoROM is corrupted at gpu 0008:00:00.0", Kind.INFOROM),
        ("No devices were found", Kind.NO_DEVICES),
        ("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", Kind.LIBRARY),
        ("Failed to initialize NVML: Unknown Error", Kind.DRIVER),
        ("Failed to initialize NVML: Insufficient Permissions", Kind.PERMISSION),
        ("Failed to initialize NVML: GPU access blocked by the operating system", Kind.PERMISSION),
    ],
)
def test_other_sentences(sentence: str, kind: Kind) -> None:
    assert [c.kind for c in classify("", sentence, 255)] == [kind]
    assert is_complaint("  " + sentence)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(9, Kind.DRIVER), (12, Kind.LIBRARY), (14, Kind.INFOROM), (15, Kind.GPU), (6, Kind.OTHER)],
)
def test_a_status_without_a_known_sentence_counts_as_well(status: int, kind: Kind) -> None:
    assert classify("", "something new", status) == (Complaint(kind, "something new"),)


def test_nothing_to_complain_about() -> None:
    assert classify("index, name\n0, NVIDIA H100", "", 0) == ()


def _output(stdout: str, status: int = 0) -> Output:
    return Output("n", Command("nvidia-smi"), Ended.EXITED, status, stdout.encode())


def test_a_dead_driver_ends_the_judging_with_its_code() -> None:
    with pytest.raises(CannotJudge) as error:
        answer(_output("Failed to initialize NVML: Driver/library version mismatch\n", 18))
    assert error.value.code == "GPU-DRIVER"
    assert "Driver/library version mismatch" in error.value.reason


def test_one_lost_gpu_leaves_the_text_of_the_others() -> None:
    text = "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error\nrows\n"
    said, complaints = answer(_output(text, 15))
    assert said == text
    assert [c.index for c in complaints] == [1]


def test_a_status_that_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(CannotJudge, match="ended with status 3: boom"):
        answer(_output("boom\n", 3))


@given(st.text(), st.text(), st.integers(0, 255))
def test_any_text_gives_complaints(stdout: str, stderr: str, status: int) -> None:
    assert bool(classify(stdout, stderr, status)) or status == 0
