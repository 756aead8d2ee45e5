"""The simulated nvidia-smi, read by the product's own parsers and compared with the simulated parts."""

from __future__ import annotations

from bringup.parsers import (
    nvidia_smi_csv,
    nvidia_smi_nvlink,
    nvidia_smi_table,
    nvidia_smi_topo,
    nvidia_smi_xml,
)


def test_the_xml_report_tells_every_gpu_as_it_is(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.hardware("gpu-001")
    smi = nvidia_smi_xml.read(healthy.output("gpu-001", nvidia_smi_xml.QUERY))
    assert (smi.driver, smi.cuda, smi.attached, smi.complaints) == (node.driver, "13.0", 8, ())
    assert [(g.index, g.address[-7:], g.uuid, g.serial, g.name, g.memory_mib) for g in smi.gpus] == [
        (g.index, g.bdf[-7:], g.uuid, g.serial, "NVIDIA H100 80GB HBM3", 81559) for g in node.gpus
    ]
    first = smi.gpus[0]
    assert (first.lost, first.persistence, first.mig, first.ecc_mode) == (
        False,
        "Enabled",
        "Disabled",
        "Enabled",
    )
    assert (first.pcie.gen, first.pcie.gen_max, first.pcie.width, first.pcie.width_max) == (1, 5, 16, 16)
    assert (first.ecc.volatile_uncorrected, first.ecc.aggregate_uncorrected) == (0, 0)
    assert (first.remap.uncorrectable, first.remap.pending, first.remap.failed) == (0, False, False)
    assert (first.fabric.state, first.fabric.status, first.fabric.clique) == ("Completed", "Success", 0)
    assert first.slowdowns == ("gpu_idle",)
    assert first.pcie.replays == node.gpus[0].replays


def test_the_xml_report_is_as_long_as_a_real_one(healthy):  # type: ignore[no-untyped-def]
    assert len(healthy.text("gpu-001", nvidia_smi_xml.QUERY)) > 150_000


def test_the_query_prints_real_header_names(healthy):  # type: ignore[no-untyped-def]
    query = "nvidia-smi --query-gpu=index,gpu_name,pci.bus_id,memory.total,power.draw --format=csv"
    done = healthy.sh("gpu-001", query)
    assert done.stdout.splitlines()[0] == "index, name, pci.bus_id, memory.total [MiB], power.draw [W]"
    rows = nvidia_smi_csv.parse(done.stdout)
    assert len(rows) == 8
    assert rows[2]["name"] == "NVIDIA H100 80GB HBM3" and rows[2]["pci.bus_id"] == "00000000:52:00.0"
    plain = healthy.sh("gpu-001", query.replace("csv", "csv,noheader,nounits") + " -i 3").stdout
    assert plain.startswith("3, NVIDIA H100 80GB HBM3, 00000000:61:00.0, 81559, ") and plain.count("\n") == 1


def test_one_unknown_field_fails_the_whole_query(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh("gpu-001", "nvidia-smi --query-gpu=index,nonsense --format=csv")
    assert (done.returncode, done.stdout) == (2, 'Field "nonsense" is not a valid field to query.\n\n')


def test_no_process_runs_on_a_healthy_node(healthy):  # type: ignore[no-untyped-def]
    assert nvidia_smi_csv.apps(healthy.text("gpu-001", nvidia_smi_csv.COMPUTE_APPS)) == ()


def test_every_nvlink_is_active_at_its_speed(healthy):  # type: ignore[no-untyped-def]
    links = nvidia_smi_nvlink.parse_status(healthy.text("gpu-001", nvidia_smi_nvlink.STATUS))
    assert [len(gpu.active) for gpu in links] == [18] * 8
    assert {speed for gpu in links for speed in gpu.speeds.values()} == {26.562}
    errors = nvidia_smi_nvlink.parse_errors(healthy.text("gpu-001", nvidia_smi_nvlink.ERRORS))
    assert len(errors) == 8
    assert {value for gpu in errors for row in gpu.links.values() for value in row.values()} == {0}


def test_the_matrix_puts_every_gpu_beside_its_adapter(healthy):  # type: ignore[no-untyped-def]
    text = healthy.sh("gpu-001", "nvidia-smi topo -m").stdout
    matrix = nvidia_smi_topo.parse(text)
    near = {nic.name: nic.paths[:8] for nic in matrix.nics}
    assert near["mlx5_3"] == ("NODE", "PIX", "NODE", "NODE", "SYS", "SYS", "SYS", "SYS")
    assert matrix.gpus[0].paths[1] == "NV18"


def test_the_table_has_the_width_and_rows_of_a_real_one(healthy):  # type: ignore[no-untyped-def]
    text = healthy.sh("gpu-001", "nvidia-smi").stdout
    lines = text.splitlines()
    assert {len(line) for line in lines[1:] if line.startswith(("|", "+"))} == {91}
    table = nvidia_smi_table.parse(text)
    assert [row.index for row in table.gpus] == list(range(8))
    assert "No running processes found" in text


def test_the_list_names_uuids(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.hardware("gpu-002")
    assert healthy.sh("gpu-002", "nvidia-smi -L").stdout.splitlines() == [
        f"GPU {g.index}: {g.name} (UUID: {g.uuid})" for g in node.gpus
    ]


def test_the_long_text_report_has_a_block_for_each_gpu(healthy):  # type: ignore[no-untyped-def]
    text = healthy.sh("gpu-001", "nvidia-smi -q").stdout
    assert text.count("\nGPU 00000000:") == 8
    assert "    Product Name                                       : NVIDIA H100 80GB HBM3\n" in text
    assert "        State                                          : Completed\n" in text


def test_nonsense_arguments_are_refused(healthy):  # type: ignore[no-untyped-def]
    assert healthy.sh("gpu-001", "nvidia-smi --no-such-thing").returncode == 2
