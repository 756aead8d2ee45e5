"""`dcgmi`: discovery, health and the first level of the diagnosis, in the words of versions 3 and 4."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bringup.mock.hardware import Gpu, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.nvidia_layout import major

_OLD_TESTS = (
    "Denylist",
    "NVML Library",
    "CUDA Main Library",
    "Permissions and OS Blocks",
    "Persistence Mode",
    "Environment Variables",
    "Page Retirement/Row Remap",
    "Graphics Processes",
    "Inforom",
)


def version(node: SimNode) -> str:
    """DCGM 4 came with the drivers of 2025."""
    return "4.4.1" if major(node.driver) >= 570 else "3.3.9"


def dcgmi(call: Call) -> Reply:
    """One call of dcgmi."""
    node, args = call.node, call.args
    options = Options(args[1:], ("-r", "--run", "-g", "--group", "-i", "--entity-id"))
    if args[:1] in (("-v",), ("--version",)):
        own = f"Version : {version(node)}\nBuild ID : 40\nBuild Date : 2025-08-12\nBuild Type : Release\n"
        return Reply(stdout=f"{own}\nHostengine build info:\n{own}")
    if not node.driver_loaded:
        return Reply(1, stderr="Error: unable to establish a connection to the specified host: localhost\n")
    match args[:1]:
        case ("discovery",) if options.has("-l", "--list"):
            return Reply(stdout=_discovery(node.visible_gpus, len(node.shape.switch_bdfs)))
        case ("health",) if options.has("-c", "--check"):
            return Reply(stdout=_health(node, in_json=options.has("-j", "--json")))
        case ("diag",) if options.get("-r", "--run") in ("1", "2", "3") and options.has("-j", "--json"):
            return _diag(node)
    return Reply(1, stderr="This node is simulated: this call of dcgmi is not known\n")


def _discovery(gpus: Sequence[Gpu], switches: int) -> str:
    bar = f"+{'-' * 8}+{'-' * 70}+"
    rows = [f"{len(gpus)} GPUs found.", bar, f"| GPU ID | {'Device Information':<68} |", bar]
    for gpu in gpus:
        facts = (f"Name: {gpu.name}", f"PCI Bus ID: {gpu.long_bdf}", f"Device UUID: {gpu.uuid}")
        rows += [
            f"| {str(gpu.index) if k == 0 else '':<6} | {fact:<68} |" for k, fact in enumerate(facts)
        ] + [bar]
    edge = "+-----------+"
    rows += [f"{switches} NvSwitches found.", edge, "| Switch ID |", edge]
    rows += [f"| {k:<9} |" for k in range(switches)] + ([edge] if switches else [])
    return "\n".join([*rows, ""])


def troubles(node: SimNode) -> list[tuple[Gpu, str, str]]:
    """What DCGM holds against a GPU: the GPU, the system that complains, and its sentence."""
    found: list[tuple[Gpu, str, str]] = []
    for gpu in node.visible_gpus:
        if gpu.remap_pending:
            text = "has uncorrectable memory errors and row remappings are pending"
            found.append((gpu, "Memory", f"GPU {gpu.index} {text}"))
        if gpu.remap_failed:
            found.append(
                (gpu, "Memory", f"GPU {gpu.index} had uncorrectable memory errors and row remapping failed")
            )
        if gpu.inforom_corrupted:
            found.append((gpu, "InfoROM", f"A corrupt InfoROM has been detected in GPU {gpu.index}"))
        if gpu.ecc_uncorrected:
            text = f"Detected {gpu.ecc_uncorrected} volatile double-bit ECC error(s) in GPU {gpu.index}"
            found.append((gpu, "Memory", text))
        for link in sorted(gpu.down_links):
            found.append((gpu, "NVLink", f"GPU {gpu.index}'s NvLink link {link} is currently down"))
    return found


def _health(node: SimNode, *, in_json: bool) -> str:
    found = troubles(node)
    overall = "Failure" if found else "Healthy"
    if in_json:
        body: dict[str, object] = {"Overall Health": {"value": overall}}
        for gpu, system, text in found:
            body[f"GPU {gpu.index} {system}"] = {"value": "Failure", "overflow": [text]}
        return json.dumps({"body": body, "header": ["Health Monitor Report"]}, indent=2) + "\n"
    bar = f"+{'-' * 27}+{'-' * 60}+"
    rows = [
        bar,
        f"| {'Health Monitor Report':<86} |",
        bar.replace("-", "="),
        f"| {'Overall Health':<25} | {overall:<58} |",
    ]
    rows += [f"| {f'GPU {gpu.index} {system}':<25} | {text[:58]:<58} |" for gpu, system, text in found]
    return "\n".join([*rows, bar, ""])


def _diag(node: SimNode) -> Reply:
    found = troubles(node)
    off = [gpu for gpu in node.visible_gpus if gpu.persistence != "Enabled"]
    modern = version(node).startswith("4")
    tests = _new_tests(node, found, off) if modern else _old_tests(found, off)
    root = "DCGM Diagnostic" if modern else "DCGM GPU Diagnostic"
    body: dict[str, object] = {"test_categories": [{"category": "Deployment", "tests": tests}]}
    facts = {"version": version(node), "Driver Version Detected": node.driver}
    document = {root: body, "metadata": facts} if modern else {root: {**body, **facts}}
    return Reply(226 if found else 0, json.dumps(document, indent=2) + "\n")


def _new_tests(
    node: SimNode, found: Sequence[tuple[Gpu, str, str]], off: Sequence[Gpu]
) -> list[dict[str, object]]:
    """Version 4: one test with a result for each GPU."""
    results: list[dict[str, object]] = []
    for gpu in node.visible_gpus:
        said = [{"warning": text, "error_id": 1} for own, _, text in found if own is gpu]
        said += (
            [{"warning": f"Persistence mode for GPU {gpu.index} is disabled", "error_id": 2}]
            if gpu in off
            else []
        )
        row: dict[str, object] = {"entity_group": "GPU", "entity_group_id": 1, "entity_id": gpu.index}
        results.append({**row, "status": "Fail" if said else "Pass", **({"warnings": said} if said else {})})
    return [{"name": "software", "results": results}]


def _old_tests(found: Sequence[tuple[Gpu, str, str]], off: Sequence[Gpu]) -> list[dict[str, object]]:
    """Version 3: one result for each test, with the GPUs in its warning."""
    said = {
        "Page Retirement/Row Remap": [text for _, system, text in found if system == "Memory"],
        "Inforom": [text for _, system, text in found if system == "InfoROM"],
        "Persistence Mode": [f"Persistence mode for GPU {gpu.index} is disabled" for gpu in off],
    }
    tests: list[dict[str, object]] = []
    for name in _OLD_TESTS:
        texts = said.get(name, [])
        result = {"status": "Fail", "warnings": "; ".join(texts)} if texts else {"status": "Pass"}
        tests.append({"name": name, "results": [result]})
    return tests
