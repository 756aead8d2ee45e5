"""RDMA sysfs: the captured trees, the command on a tree of files in every shell, and hostile text."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import rdma_sysfs
from bringup.parsers.rdma_sysfs import Netdev, RdmaDevice, RdmaPort

HDR8 = ("mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3", "mlx5_6", "mlx5_7", "mlx5_8", "mlx5_9")
HDR = ("ACTIVE", "LinkUp", "InfiniBand", 200.0, 4, "HDR")
EDR = ("ACTIVE", "LinkUp", "InfiniBand", 100.0, 4, "EDR")
NDR = ("ACTIVE", "LinkUp", "InfiniBand", 400.0, 4, "NDR")
INIT = ("INIT", "LinkUp", "InfiniBand", 200.0, 4, "HDR")

FILES = {
    "01-h100-mlx5_0-all-counters.txt": {"mlx5_0": NDR},
    "02-h100-mlx5_1-all-counters.txt": {"mlx5_1": NDR},
    "03-h100-mlx5_4-all-counters.txt": {"mlx5_4": NDR},
    "04-8x-hdr-good.txt": dict.fromkeys(HDR8, HDR),
    "05-8x-edr-instead-of-hdr.txt": dict.fromkeys(HDR8, EDR),
    "06-ib4-operstate-down.txt": dict.fromkeys(HDR8, HDR),
    "07-two-ports-stuck-init.txt": {**dict.fromkeys(HDR8, HDR), "mlx5_6": INIT, "mlx5_8": INIT},
}


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "sysfs-infiniband").iterdir()} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_states_and_rates(read: Callable[[str], str], name: str) -> None:
    devices = rdma_sysfs.parse(read(f"sysfs-infiniband/{name}"))
    seen = {
        d.name: (p.state, p.phys_state, p.link_layer, p.rate_gbps, p.lanes, p.generation)
        for d in devices
        for p in d.ports
    }
    assert seen == FILES[name]
    assert all([p.number for p in d.ports] == [1] for d in devices)


def test_identity_and_counters_of_an_h100_port(read: Callable[[str], str]) -> None:
    (device,) = rdma_sysfs.parse(read("sysfs-infiniband/01-h100-mlx5_0-all-counters.txt"))
    port = device.ports[0]
    assert (device.fw_ver, device.board_id, device.hca_type) == ("28.41.1000", "MT_0000000838", "MT4129")
    wanted = {n: port.counters[n] for n in ("symbol_error", "link_downed", "port_rcv_errors")}
    assert wanted == {"symbol_error": 0, "link_downed": 0, "port_rcv_errors": 14}
    assert port.counters["excessive_buffer_overrun_errors"] == 15
    assert port.full("excessive_buffer_overrun_errors")
    assert not port.full("link_downed")


def test_a_counter_at_its_end_means_at_least(read: Callable[[str], str]) -> None:
    (device,) = rdma_sysfs.parse(read("sysfs-infiniband/02-h100-mlx5_1-all-counters.txt"))
    assert device.ports[0].counters["link_downed"] == 255
    assert device.ports[0].full("link_downed")
    assert not device.ports[0].full("port_rcv_errors")


def test_pci_address_description_and_interfaces(read: Callable[[str], str]) -> None:
    devices = rdma_sysfs.parse(read("sysfs-infiniband/06-ib4-operstate-down.txt"))
    by_name = {d.name: d for d in devices}
    assert by_name["mlx5_6"].bdf == "0000:8d:00.0"
    assert by_name["mlx5_6"].node_desc == "node2183 HCA-9"
    assert by_name["mlx5_6"].netdevs == (Netdev("ib4", "down", None, None),)
    assert by_name["mlx5_0"].netdevs == (Netdev("ib0", "up", None, 200000),)


def test_software_rdma_port(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    text, status, _ = session("rxe-outputs/bookworm-perftest-4.5/sysfs-port.txt")
    (device,) = rdma_sysfs.parse(text)
    (port,) = device.ports
    assert status == 2
    assert (device.name, device.bdf, device.fw_ver) == ("rxe0", None, None)
    assert (port.state, port.phys_state, port.link_layer) == ("ACTIVE", "LinkUp", "Ethernet")
    assert (port.rate_gbps, port.lanes, port.generation, port.lid) == (2.5, 1, "SDR", 0)
    assert port.counters == {}


def test_a_counter_that_the_driver_does_not_have_is_not_zero() -> None:
    text = "/sys/class/infiniband/m/ports/1/counters/symbol_error:N/A (no PMA)\n"  # invented
    (device,) = rdma_sysfs.parse(text)
    assert device.ports[0].counters == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "grep: /sys/class/infiniband/mlx5_0/ports/1/rate: Invalid argument\n",
        "bash: grep: command not found\n",
        "/sys/class/infiniband/mlx5_0/ports/1/rate:fast\n",
        "/sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error:-3\n",
        "/sys/class/infiniband/mlx5_0/ports/1/lid:zero\n",
    ],
)
def test_unknown_text_is_never_an_empty_list(text: str) -> None:
    with pytest.raises(ParseError):
        rdma_sysfs.parse(text)


def test_no_devices_only_where_the_command_says_so() -> None:
    assert rdma_sysfs.parse("no RDMA devices: /sys/class/infiniband is empty or absent\n") == ()


@given(st.text())
def test_any_text_gives_devices_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@given(
    st.lists(
        st.builds(
            "/sys/class/infiniband/{}{}:{}".format,
            st.sampled_from(("mlx5_0", "x" * 70, "a/b", "é")),
            st.sampled_from(
                ("/fw_ver", "/ports/1/rate", "/ports/9999/lid", "/ports/1/counters/symbol_error")
            ),
            st.text(max_size=30),
        )
    )
)
def test_any_values_give_devices_or_a_parse_error(lines: list[str]) -> None:
    _parse_anything("\n".join(lines))


@pytest.mark.parametrize("name", FILES)
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"sysfs-infiniband/{name}")
    for end in range(0, len(text), 97):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    try:
        rows = rdma_sysfs.parse(text)
    except ParseError:
        return
    assert all(isinstance(row, RdmaDevice) for row in rows)


# ------------------------------------------------------------------------------------------- the command

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]


def _run(shell: str, root: Path) -> str:
    argv = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run(
        [*argv, "-u"],
        input=rdma_sysfs.PORTS.script,
        capture_output=True,
        text=True,
        timeout=20,
        env={"ROOT": str(root), "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_reads_a_tree(shell: str, tmp_path: Path) -> None:
    pci = tmp_path / "sys/devices/pci0000:00/0000:18:00.0"
    port = pci / "infiniband/mlx5_0/ports/1"
    (port / "counters").mkdir(parents=True)
    (pci / "net/ib0").mkdir(parents=True)
    (tmp_path / "sys/class/infiniband").mkdir(parents=True)
    (pci / "infiniband/mlx5_0/fw_ver").write_text("28.41.1000\n")
    (pci / "infiniband/mlx5_0/board_id").write_text("MT_0000000838\n")
    (pci / "infiniband/mlx5_0/device").symlink_to("../../../0000:18:00.0")
    (pci / "net/ib0/operstate").write_text("up\n")
    (pci / "net/ib0/flags").write_text("0x1003\n")
    for name, value in {
        "state": "4: ACTIVE",
        "phys_state": "5: LinkUp",
        "rate": "400 Gb/sec (4X NDR)",
        "link_layer": "InfiniBand",
        "lid": "0x2f",
        "sm_lid": "0x1",
        "counters/symbol_error": "3",
        "counters/link_downed": "1",
    }.items():
        (port / name).write_text(value + "\n")
    (tmp_path / "sys/class/infiniband/mlx5_0").symlink_to(
        "../../devices/pci0000:00/0000:18:00.0/infiniband/mlx5_0"
    )
    assert rdma_sysfs.parse(_run(shell, tmp_path)) == (
        RdmaDevice(
            name="mlx5_0",
            bdf="0000:18:00.0",
            fw_ver="28.41.1000",
            board_id="MT_0000000838",
            netdevs=(Netdev("ib0", "up", True, None),),
            ports=(
                RdmaPort(
                    device="mlx5_0",
                    number=1,
                    state="ACTIVE",
                    phys_state="LinkUp",
                    link_layer="InfiniBand",
                    rate="400 Gb/sec (4X NDR)",
                    rate_gbps=400.0,
                    lanes=4,
                    generation="NDR",
                    lid=0x2F,
                    sm_lid=1,
                    counters={"symbol_error": 3, "link_downed": 1},
                ),
            ),
        ),
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_says_when_there_is_no_device(shell: str, tmp_path: Path) -> None:
    assert rdma_sysfs.parse(_run(shell, tmp_path)) == ()
