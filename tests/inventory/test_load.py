"""What a file means: precedence, patterns, groups, cables, simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup.errors import InventoryError
from bringup.inventory import Cable, FaultSpec, Params, ShapeSpec, Simulate, load
from bringup.model import Jump, Node, Port


def test_one_node_with_everything(read, tmp_path) -> None:
    found = read("""
        name: hall-2
        defaults: {known_hosts: ./known_hosts}
        jumps:
          bastion: {host: bastion.example, user: ops, port: 2222, key: /keys/ops}
          inner: {host: 10.0.0.1}
        nodes:
          - names: gpu-[001-016]
            address: 10.1.{n//256}.{n}
            peer_address: FD00::{n:x}
            port: "{22000+n}"
            user: root
            key: keys/{name}
            certificate: /keys/cert
            jump: [bastion, inner]
            rack: R{i//4+1:02}
            unit: U{i%4*4+1}
            profile: hgx
            serial: "0{n:04}"
            tags: [new, hall-2]
            rails: "mlx5_[0,3]"
            root: /host/
            path: [/opt/mpi/bin]
            env: {NCCL_DEBUG: INFO, EMPTY: ""}
    """)
    assert found.name == "hall-2"
    assert found.known_hosts == tmp_path / "known_hosts"
    assert len(found.nodes) == 16
    assert found.nodes[11] == Node(
        name="gpu-012",
        address="10.1.0.12",
        peer_address="fd00::c",
        port=22012,
        user="root",
        key_file=str(tmp_path / "keys/gpu-012"),
        certificate="/keys/cert",
        jump=(Jump("bastion.example", 2222, "ops", "/keys/ops"), Jump("10.0.0.1")),
        rack="R03",
        unit="13",
        profile="hgx",
        serial="00012",
        tags=("new", "hall-2"),
        ports=(Port(0, "mlx5_0"), Port(1, "mlx5_3")),
        root="/host",
        path=("/opt/mpi/bin",),
        env=(("NCCL_DEBUG", "INFO"), ("EMPTY", "")),
    )


def test_a_bare_name_is_an_ssh_node_at_its_own_name(read, tmp_path) -> None:
    found = read("nodes: [login, 'gpu[1-2]']")
    assert found.nodes == tuple(Node(name, address=name) for name in ("login", "gpu1", "gpu2"))
    assert (found.name, found.known_hosts, found.simulate, found.cables) == ("hall", None, None, ())
    assert found.path == tmp_path / "hall.yaml"
    assert found.text == "nodes: [login, 'gpu[1-2]']"
    assert read("nodes: login").nodes == (Node("login", address="login"),)


def test_precedence_of_defaults_groups_range_and_host(read) -> None:
    found = read("""
        defaults: {user: default, rack: default, unit: default, serial: "default{n}", profile: default, tags: [default]}
        nodes:
          - {names: "n[1-3]", unit: range, serial: "range{n}"}
        groups:
          first: {nodes: "n[1-2]", rack: first, unit: first, serial: "first{n}", tags: [first], profile: first}
          second: {nodes: "n[2-3]", profile: second}
        hosts:
          n2: {serial: host, tags: []}
    """)
    assert [(n.user, n.rack, n.unit, n.serial, n.profile, n.tags) for n in found.nodes] == [
        ("default", "first", "range", "range1", "first", ("first",)),
        ("default", "first", "range", "host", "second", ()),
        ("default", "default", "range", "range3", "second", ("default",)),
    ]


def test_a_value_is_replaced_as_a_whole_and_can_be_taken_away(read) -> None:
    found = read("""
        defaults: {env: {A: "1", B: "2"}, jump: j, user: x}
        jumps: {j: {host: j.example}}
        nodes:
          - {names: a, env: {C: "3"}}
          - {names: b, jump: "", user: ""}
    """)
    assert [(n.env, n.jump, n.user) for n in found.nodes] == [
        ((("C", "3"),), (Jump("j.example"),), "x"),
        ((("A", "1"), ("B", "2")), (), ""),
    ]


def test_yaml_does_not_reinterpret_what_was_written(read) -> None:
    found = read("nodes: [{names: 007, rack: no, unit: 012, serial: 1e3, user: ON, tags: [1.10, 0x1f]}]")
    assert found.nodes == (
        Node("007", "007", rack="no", unit="012", serial="1e3", user="ON", tags=("1.10", "0x1f")),
    )


def test_anchors_and_aliases(read) -> None:
    found = read("""
        nodes:
          - {names: a, tags: &t [x, y]}
          - {names: b, tags: *t}
    """)
    assert [n.tags for n in found.nodes] == [("x", "y"), ("x", "y")]


def test_groups_by_name_range_glob_and_other_groups(read) -> None:
    found = read("""
        nodes: ["gpu-[1-4]", "cpu-[1-2]"]
        groups:
          even: gpu-[2,4]
          cpu: {nodes: "cpu-*"}
          mixed: {nodes: ["@even", "cpu-2", gpu-1]}
    """)
    assert found.groups == {
        "even": ("gpu-2", "gpu-4"),
        "cpu": ("cpu-1", "cpu-2"),
        "mixed": ("gpu-1", "gpu-2", "gpu-4", "cpu-2"),
    }


def test_cables_are_joined_with_the_rails(read) -> None:
    found = read("""
        nodes:
          - {names: "gpu[1-2]", rails: [mlx5_0, mlx5_1, mlx5_2]}
        cables:
          - {a: "gpu[1-2]:mlx5_0", b: "leaf-{i//32+1:02}:1/{n}:1", label: "L{i+1}", length_m: 2.5}
          - {a: "gpu1:mlx5_2", b: "gpu2:mlx5_2", label: DAC}
    """)
    assert found.cables == (
        Cable("gpu1", "mlx5_0", "leaf-01", "1/1:1", "L1", 2.5, 5),
        Cable("gpu2", "mlx5_0", "leaf-01", "1/2:1", "L2", 2.5, 5),
        Cable("gpu1", "mlx5_2", "gpu2", "mlx5_2", "DAC", None, 6),
    )
    assert [n.ports for n in found.nodes] == [
        (Port(0, "mlx5_0", "leaf-01", "1/1:1", "L1"), Port(1, "mlx5_1"), Port(2, "mlx5_2", "gpu2", "mlx5_2", "DAC")),
        (Port(0, "mlx5_0", "leaf-01", "1/2:1", "L2"), Port(1, "mlx5_1"), Port(2, "mlx5_2", "gpu1", "mlx5_2", "DAC")),
    ]  # fmt: skip


def test_simulation_and_faults(read) -> None:
    found = read("""
        nodes: "gpu-[1-3]"
        groups: {all-of-them: "gpu-*"}
        simulate: {shape: gb200, seed: 0, speed: 0.5}
        faults:
          - {kind: nvlink-down, node: gpu-1, gpu: 3, fraction: 0.45, on: true, version: "570", name: off}
          - {kind: unreachable, nodes: "@all-of-them"}
    """)
    first = {"gpu": 3, "fraction": 0.45, "on": True, "version": "570", "name": "off"}
    assert found.simulate == Simulate(
        "gb200",
        0,
        0.5,
        (
            FaultSpec("nvlink-down", ("gpu-1",), Params(first), 6),
            FaultSpec("unreachable", ("gpu-1", "gpu-2", "gpu-3"), Params(), 7),
        ),
        4,
    )
    assert found.simulate.faults[0].params == first
    assert hash(found.simulate.faults[0]) == hash(FaultSpec("nvlink-down", ("gpu-1",), Params(first), 6))


def test_a_simulated_cluster_of_several_shapes(read) -> None:
    found = read("""
        nodes: ["gpu-[1-2]", "tray-[1-3]", "cpu-1"]
        groups: {odd: "cpu-*"}
        simulate:
          shape: hgx-h100
          shapes:
            gb200-nvl72: "tray-[1-3]"
            cpu-ethernet: "@odd"
    """)
    assert found.simulate == Simulate(
        "hgx-h100",
        line=5,
        shapes=(
            ShapeSpec("gb200-nvl72", ("tray-1", "tray-2", "tray-3"), 7),
            ShapeSpec("cpu-ethernet", ("cpu-1",), 8),
        ),
    )


@pytest.mark.parametrize(
    "text", ["nodes: a\nsimulate: {}", "nodes: a\nsimulate:", "nodes: a\nsimulate: null"]
)
def test_simulation_with_its_usual_values(read, text: str) -> None:
    assert read(text).simulate == Simulate("hgx-h100", 1, 20.0, (), 2)


def test_local_needs_no_address(read) -> None:
    assert read("nodes: [{names: me, connection: local}]").nodes == (Node("me", connection="local"),)


def test_the_same_address_behind_other_jump_hosts_is_another_machine(read) -> None:
    found = read("""
        jumps: {a: {host: a}, b: {host: b}}
        nodes: [{names: x, address: 10.0.0.1, jump: a}, {names: y, address: 10.0.0.1, jump: b}]
    """)
    assert [n.address for n in found.nodes] == ["10.0.0.1", "10.0.0.1"]


def test_profiles_of_the_site_are_known(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.toml").write_text("")
    path = tmp_path / "a.yaml"
    path.write_text("profiles: site\nnodes: [{names: a, profile: mine}, {names: b, profile: stock}]")
    found = load(path, known_profiles={"stock"})
    assert found.profile_dirs == (tmp_path / "site",)
    assert [n.profile for n in found.nodes] == ["mine", "stock"]


def test_a_frozen_copy_counts_its_paths_from_the_original_folder(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "inventory.yaml"
    path.write_text("profiles: gone\ndefaults: {key: k, known_hosts: h}\nnodes: a")
    found = load(path, base=tmp_path / "site")
    assert found.profile_dirs == (tmp_path / "site" / "gone",)
    assert found.known_hosts == tmp_path / "site" / "h"
    assert found.nodes[0].key_file == str(tmp_path / "site" / "k")


def test_home_folders(read, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert read("nodes: [{names: a, key: ~/.ssh/id}]").nodes[0].key_file == "/home/me/.ssh/id"


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "hall-2.yaml").write_text("nodes: a")
    with pytest.raises(InventoryError) as error:
        load(tmp_path / "hall2.yaml")
    assert str(error.value) == (
        f"{tmp_path / 'hall2.yaml'}: 1 problem, nothing was run\n"
        "  file  cannot be read: no such file or directory; did you mean hall-2.yaml?"
    )


def test_a_thousand_nodes_load_in_a_moment(read) -> None:
    found = read("""
        nodes: [{names: "n[0001-1024]", address: "10.0.{n//256}.{n%256}", rails: "mlx5_[0-7]"}]
        cables: [{a: "n[0001-1024]:mlx5_0", b: "leaf-{i//32}:{i%32}"}]
    """)
    assert found.nodes[-1].address == "10.0.4.0"
    assert found.nodes[-1].ports[0] == Port(0, "mlx5_0", "leaf-31", "31")
