"""Things that healthy clusters do and that look like faults: a run must report nothing about them."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.fabric import Fabric
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import GPU, HCA, Kind, at_door, gpu_of, hca_of, in_fabric, in_node
from bringup.mock.hardware import Door, Logical, Physical, SimNode

_DAY_S = 86400.0


def _odd(kind: str, does: str, *params: Param, needs: tuple[str, ...] = ()) -> Kind:
    return Kind(kind, does, params, oddity=True, needs=needs)


@in_node(
    _odd(
        "idle-pcie-generation",
        "a GPU's link rests at an older PCIe generation while nothing is copied",
        GPU,
        Param("gen", "word", choices=(1, 2, 3)),
        needs=("nvidia",),
    )
)
def _idle_pcie_generation(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_gen = given.whole("gen")


@in_node(_odd("gpu-idle-cold", "idle GPUs are cold and draw little power", needs=("gpu",)))
def _gpu_idle_cold(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        gpu.temperature_c, gpu.power_w = 21, 58.0


@in_node(_odd("replay-counters", "GPUs have repeated some PCIe transfers since boot", needs=("nvidia",)))
def _replay_counters(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        gpu.replays = 120 + 7 * gpu.index


@in_node(_odd("corrected-ecc", "a GPU has corrected memory errors", GPU, needs=("nvidia",)))
def _corrected_ecc(node: SimNode, given: Given) -> None:
    gpu_of(node, given).ecc_corrected = 41


@in_node(_odd("rows-remapped", "a GPU has remapped a few memory rows, long done", GPU, needs=("nvidia",)))
def _rows_remapped(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.remap_correctable, gpu.remap_uncorrectable = 4, 2


@in_node(
    _odd(
        "application-xid",
        "a program made a mistake: an Xid that says nothing about the hardware",
        GPU,
        Param("code", "word", choices=(13, 31, 43, 45)),
        needs=("nvidia",),
    )
)
def _application_xid(node: SimNode, given: Given) -> None:
    node.happened(kernel_log.xid(gpu_of(node, given), given.whole("code")))


@in_node(
    _odd(
        "old-xid",
        "the kernel log still holds a hardware error from days before the run, since repaired",
        GPU,
        Param("code", "word", choices=(48, 79, 95), examples=(48, 95)),
        needs=("nvidia",),
    )
)
def _old_xid(node: SimNode, given: Given) -> None:
    node.happened(kernel_log.xid(gpu_of(node, given), given.whole("code")), 1.5 * _DAY_S)


@in_node(_odd("corrected-pcie-errors", "a device has corrected some PCIe errors", HCA))
def _corrected_pcie_errors(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.aer.correctable = 70
    for line in kernel_log.aer(hca.bdf, "mlx5_core", "correctable", f"15b3:{hca.kind.device_id}"):
        node.happened(line, _DAY_S)


@in_node(_odd("aux-ports-disabled", "ports of other networks are switched off", needs=("aux",)))
def _aux_ports_disabled(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        if not hca.is_fabric:
            hca.logical, hca.physical, hca.rate_gbps = Logical.DOWN, Physical.DISABLED, 40


@in_node(_odd("aux-ports-unplugged", "ports of other networks have no cable", needs=("aux",)))
def _aux_ports_unplugged(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        if not hca.is_fabric:
            hca.logical, hca.physical, hca.rate_gbps = Logical.DOWN, Physical.POLLING, 40


@in_node(
    _odd(
        "first-plug",
        "ports count that their cable was plugged in: the link was down, and a few symbols were wrong",
        needs=("hca",),
    )
)
def _first_plug(node: SimNode, given: Given) -> None:
    for hca in node.fabric_hcas:
        hca.counters["link_downed"], hca.counters["symbol_error"] = 2, 3


@in_node(_odd("transmit-waits", "ports waited for credits billions of times: congestion", needs=("hca",)))
def _transmit_waits(node: SimNode, given: Given) -> None:
    for hca in node.fabric_hcas:
        hca.counters["port_xmit_wait"] = 900_000_000_000


@in_node(_odd("other-device-names", "interfaces are named after slots, not rails", needs=("hca",)))
def _other_device_names(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        bus = hca.bdf.split(":")[1]
        hca.netdev = f"ibs{int(bus, 16)}f0"


@in_fabric(
    _odd(
        "lldp-silent",
        "no neighbour is heard: InfiniBand has no LLDP, and the switches of the other networks send none",
        needs=("infiniband",),
    )
)
def _lldp_silent(fabric: Fabric, given: Given) -> None:
    fabric.unheard.update(node.name for node in given.named)


@at_door(
    _odd(
        "throttled-login",
        "the first connections are cut, because sshd limits how many may log in at once",
        Param("connections", "count", default=1),
    )
)
def _throttled_login(door: Door, given: Given) -> None:
    door.refuses_first = given.whole("connections")


@in_node(
    _odd(
        "chatty-login",
        "every command's output starts with a text of the login",
        Param("text", "word", examples=("*** Authorised use only ***", "Welcome to node 7")),
    )
)
def _chatty_login(node: SimNode, given: Given) -> None:
    node.login_text = given.text("text") + "\n"


@in_node(_odd("noisy-login", "the login complains on stderr, in many lines"))
def _noisy_login(node: SimNode, given: Given) -> None:
    node.login_noise = "bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\n" * 40


@at_door(_odd("late-login", "a login takes a second, as behind a busy name service"))
def _late_login(door: Door, given: Given) -> None:
    door.delay_s = 1.0


@in_node(_odd("noisy-kernel-log", "the kernel log is full of lines that mean nothing"))
def _noisy_kernel_log(node: SimNode, given: Given) -> None:
    for number in range(400):
        text = f'audit: type=1400 audit(1716448101.{number:03}:{number}): apparmor="ALLOWED" operation="open" error=-13'
        node.happened(text, 3600.0 + number)


@in_node(_odd("long-up", "the node was started months ago"))
def _long_up(node: SimNode, given: Given) -> None:
    node.boot_time -= 200 * _DAY_S


@in_node(_odd("just-booted", "the node was started minutes ago"))
def _just_booted(node: SimNode, given: Given) -> None:
    node.boot_time = node.started - 400


@in_node(
    _odd(
        "slow-tool",
        "a program takes a while, as nvidia-smi does without persistence",
        Param("tool", "tool", default="nvidia-smi"),
        Param("seconds", "seconds", default=1.5),
        needs=("nvidia",),
    )
)
def _slow_tool(node: SimNode, given: Given) -> None:
    node.slow_tools[given.text("tool")] = given.number("seconds")


@in_node(_odd("clock-a-little-off", "the clock is some tenths of a millisecond off"))
def _clock_a_little_off(node: SimNode, given: Given) -> None:
    node.clock_offset_s = 0.0007


@in_node(
    _odd("other-optics", "modules of one node are warmer than others, within their limits", needs=("hca",))
)
def _other_optics(node: SimNode, given: Given) -> None:
    for hca in node.fabric_hcas:
        hca.optic.temperature_c += 8
