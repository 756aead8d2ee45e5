"""Whatever a node prints, the parsers of its state give rows or ParseError, nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import (
    blocked,
    boots,
    container,
    host_errors,
    host_settings,
    identities,
    ipmi,
    kernel_trouble,
    pci_capabilities,
    pci_tree,
    storage,
)

PARSERS: dict[str, tuple[Callable[[str], object], str]] = {
    "settings": (host_settings.parse, "virtual=no\n{}\nend=settings\n"),
    "counts": (host_errors.parse, "mc0/ce_count:{}\nend:counts\n"),
    "filesystems": (storage.parse_filesystems, "size / {}\nend\n"),
    "nvme": (storage.parse_nvme, "nvme0/state:{}\nend\n"),
    "boots": (boots.parse, "now=1\nuptime=2\nhistory=last\nlast={}\nend=boots\n"),
    "blocked": (blocked.parse, "blocked 1 user {}\nprocesses 2\nend\n"),
    "identities": (identities.parse, "ip {}\nroute a {}\nend\n"),
    "tree": (pci_tree.parse, "l 0000:00:00.0 -> {}\n"),
    "capabilities": (pci_capabilities.parse, "00:00.0 Bridge: {}\n\tACSCtl: {}\n"),
    "events": (ipmi.parse_events, "11/20/2026 12:00:00\n1 | {} | x\n"),
    "sensors": (ipmi.parse_sensors, "{} | 1 | ok\n"),
    "present": (ipmi.parse_present, "virtual=no\ndevice={}\n"),
    "container": (container.parse_count, "GPU 0: {}\n"),
    "trouble": (kernel_trouble.parse, "1732100000\n9.0 1.0\n[ 1.0] mce: [Hardware Error]: Bank 1: {}\n"),
}


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=50)
@given(text=st.text(max_size=200))
def test_rows_or_parse_error(name: str, text: str) -> None:
    parse, frame = PARSERS[name]
    for tried in (text, frame.replace("{}", text)):
        try:
            parse(tried)
        except ParseError:
            continue
