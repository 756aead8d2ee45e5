"""A PCI bus as text, for the checks of stage pcie."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

H100_ADDRESSES = ("53", "64", "75", "86", "97", "a8", "b9", "ca")


@pytest.fixture
def device() -> Callable[..., str]:
    """What /sys says about one device: device("0000:53:00.0", width=8, fatal=1, rdma="mlx5_0")."""

    def text(
        address: str,
        *,
        vendor: str = "0x10de",
        device_class: str = "0x030200",
        speed: str | None = "2.5 GT/s PCIe",
        width: str | None = "16",
        max_speed: str | None = "32.0 GT/s PCIe",
        fatal: int | None = 0,
        nonfatal: int | None = 0,
        correctable: int | None = 0,
        rdma: str = "",
    ) -> str:
        files: Mapping[str, str | None] = {
            "vendor": vendor,
            "device": "0x2330",
            "class": device_class,
            "current_link_speed": speed,
            "current_link_width": width,
            "max_link_speed": max_speed,
            "aer_dev_fatal": None if fatal is None else f"TOTAL_ERR_FATAL {fatal}",
            "aer_dev_nonfatal": None if nonfatal is None else f"TOTAL_ERR_NONFATAL {nonfatal}",
            "aer_dev_correctable": None if correctable is None else f"TOTAL_ERR_COR {correctable}",
        }
        lines = [f"{address}/{name}:{value}\n" for name, value in files.items() if value is not None]
        return "".join(lines) + (f"{address}/infiniband/{rdma}\n" if rdma else "")

    return text


@pytest.fixture
def nic(device: Callable[..., str]) -> Callable[..., str]:
    """What /sys says about one InfiniBand adapter."""

    def text(address: str, rdma: str, **more: object) -> str:
        given = {"vendor": "0x15b3", "device_class": "0x020700", "speed": "32.0 GT/s PCIe"} | more
        return device(address, rdma=rdma, **given)

    return text
