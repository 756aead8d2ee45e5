"""What a tenant may have left on a machine, and who may log in to it."""

from __future__ import annotations

from dataclasses import dataclass, field

ADMIN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJyaW5ndXAtc2ltdWxhdGVkLWFkbWluLWtleS0wMDAx admin@site"
"""The key with which the site's own people log in, the same on every node."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of docker."""

    id: str
    status: str
    image: str
    name: str


@dataclass(slots=True)
class Left:
    """`keys` are lines of root's authorized_keys; `shared_files` the sizes of files in /dev/shm by name.

    `segments` are the sizes of System V shared memory that nobody is attached to, `huge_pages` those in use.
    """

    containers: list[Container] = field(
        default_factory=lambda: [
            Container("5f1c2a9d7e30", "Up 9 days", "nvcr.io/nvidia/k8s/dcgm-exporter:4.2.3", "dcgm-exporter")
        ]
    )
    keys: list[str] = field(default_factory=lambda: [ADMIN_KEY])
    shared_files: dict[str, int] = field(default_factory=dict)
    segments: list[int] = field(default_factory=list)
    huge_pages: int = 0
