"""What tenants leave on simulated nodes, their BlueField cards and guarded ports, read by the product's own parsers."""

from __future__ import annotations

from msgspec.structs import replace

from bringup.inventory.types import FaultSpec, Simulate
from bringup.mock import SHAPES, serve
from bringup.model import Node, Port
from bringup.parsers import containers, dpu, endpoints, leftovers, login_keys, mounts, per_interface, wpa_cli


def scratch(command):  # type: ignore[no-untyped-def]
    """The command with a scratch folder, as the engine gives it one."""
    return replace(command, script=f"TMP=$(mktemp -d)\n{command.script}")


def read(lab, module_parse, command, node="gpu-001"):  # type: ignore[no-untyped-def]
    return module_parse(lab.text(node, scratch(command)))


def test_a_healthy_node_holds_nothing_of_a_tenant(healthy):  # type: ignore[no-untyped-def]
    kept = read(healthy, containers.parse, containers.CONTAINERS)
    assert (kept.names, [c.name for c in kept.containers], dict(kept.failed)) == (
        ("docker",),
        ["dcgm-exporter"],
        {},
    )
    keys = read(healthy, login_keys.parse, login_keys.KEYS)
    assert ([k.user for k in keys.keys], keys.unread) == (["root"], 0)
    assert keys.word == read(healthy, login_keys.parse, login_keys.KEYS, "gpu-002").word
    assert read(healthy, leftovers.parse_files, leftovers.FILES).total == 0
    assert read(healthy, leftovers.parse_memory, leftovers.MEMORY) == leftovers.Memory(0, ())


def test_what_a_tenant_left_shows(lab):  # type: ignore[no-untyped-def]
    kinds = ("container-left", "foreign-key", "files-left", "huge-pages-left", "segments-left")
    left = lab(faults=[FaultSpec(kind, ("gpu-001",)) for kind in kinds])
    assert len(read(left, containers.parse, containers.CONTAINERS).containers) == 2
    assert len(read(left, login_keys.parse, login_keys.KEYS).keys) == 2
    assert read(left, leftovers.parse_files, leftovers.FILES).total == 2
    memory = read(left, leftovers.parse_memory, leftovers.MEMORY)
    assert (memory.huge_pages, len(memory.segments or ())) == (4096, 2)


def test_mounts_and_servers(healthy, lab):  # type: ignore[no-untyped-def]
    good = read(healthy, mounts.parse, mounts.ask(()))
    assert ([m.at for m in good.network], good.in_fstab, dict(good.answers)) == (
        ["/home"],
        ("/home",),
        {"/home": ""},
    )
    gone = read(lab("mount-missing"), mounts.parse, mounts.ask(()))
    assert ("/home" in gone.mounted, gone.in_fstab) == (False, ("/home",))
    named = ("10.0.0.9:2049", "10.0.0.10:6817")
    cut = lab("endpoint-unreachable").text("gpu-001", scratch(endpoints.reach(named)))
    assert [bool(said) for said in endpoints.parse(cut, named).answers.values()] == [True, False]


def test_a_bluefield_card_tells_its_mode(shaped):  # type: ignore[no-untyped-def]
    (card, *_) = dpu.parse(shaped("gb200-nvl72").text("n-001", dpu.DPUS)).cards
    assert (card.generation, card.mode, card.next_mode) == ("BlueField-3", "nic", "nic")
    assert dpu.parse(shaped("hgx-h100").text("n-001", dpu.DPUS)).cards == ()


def test_a_guarded_port(shaped):  # type: ignore[no-untyped-def]
    answers = per_interface.parse(shaped("hgx-h100-roce").text("n-001", per_interface.SUPPLICANT))
    states = {a.device: wpa_cli.parse(a.text).pae for a in answers}
    assert states["mlx5_0"] == "AUTHENTICATED"
    ports = tuple(Port(rail, f"mlx5_{rail}") for rail in range(len(SHAPES["hgx-h100-roce"].hca_bdfs)))
    fault = FaultSpec("port-not-authenticated", ("n-001",), {"hca": "mlx5_0"})
    with serve(Simulate(shape="hgx-h100-roce", faults=(fault,)), (Node("n-001", ports=ports),)) as served:
        assert not served.hardware("n-001").hcas[0].authenticated
