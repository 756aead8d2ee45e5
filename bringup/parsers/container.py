"""The GPUs as a container sees them: the runtime, its hook and the driver's libraries fit together, or they do not."""

from __future__ import annotations

import re
import shlex

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

RUNTIMES: dict[str, str] = {
    "docker": "docker run --rm --pull never --network none --gpus all {image} nvidia-smi -L",
    "podman": "podman run --rm --pull never --network none --device nvidia.com/gpu=all {image} nvidia-smi -L",
    "apptainer": "apptainer exec --nv {image} nvidia-smi -L",
    "enroot": "enroot start {image} nvidia-smi -L",
}
"""How each runtime starts nvidia-smi in a container that has all GPUs. Nothing is pulled: the image must be on the node."""

_GPU = re.compile(r"GPU [0-9]{1,3}: .{1,100} \(UUID: GPU-[0-9a-fA-F-]{8,64}\)")


def list_gpus(runtime: str, image: str) -> Command:
    """List the GPUs inside a container. Raises KeyError for an unknown runtime."""
    return Command(
        RUNTIMES[runtime].format(image=shlex.quote(image)) + "\n",
        timeout_s=300.0,
        needs=(runtime,),
        root=runtime in ("docker", "podman"),
        alone=True,
        estimate_s=10.0,
    )


def parse_count(text: str) -> int:
    """How many GPUs the list names; other words of an image's start may stand around it."""
    count = sum(_GPU.fullmatch(line.strip()) is not None for line in text.splitlines())
    if count == 0 and "No devices" not in text:
        raise ParseError(f"the container printed no list of GPUs: {quoted(text)}")
    return count
