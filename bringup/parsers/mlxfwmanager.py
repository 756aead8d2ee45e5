"""`mlxfwmanager --query-format XML`: model, PSID and firmware of every network card of a node.

A card that the tool cannot open is listed as well, with dashes for its versions and a status that says so. "No
matching image found" only means that no update file lies beside the tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf, xml_document
from bringup.parsers.reading import quoted

QUERY = Command(
    "mlxfwmanager --query --query-format XML",
    needs=("mlxfwmanager",),
    root=True,
    timeout_s=120.0,
    estimate_s=10.0,
)

_NONE = frozenset({"", "--", "N/A"})
_CANNOT_OPEN = "Failed to open device"


@dataclass(frozen=True, slots=True)
class Device:
    """One card. None: not reported. `versions` are all images by name; `firmware` is the running one."""

    address: str
    type: str | None
    psid: str | None
    part: str | None
    firmware: str | None
    versions: Mapping[str, str]
    mac: str | None
    status: str
    description: str | None

    @property
    def answers(self) -> bool:
        """Whether the tool could talk to the card."""
        return self.status != _CANNOT_OPEN and self.firmware is not None


def parse(text: str) -> tuple[Device, ...]:
    """The cards. Lines around the document are passed over. Raises ParseError where there is no card."""
    begin, end = text.find("<Devices"), text.rfind("</Devices>")
    if begin < 0 or end < begin:
        raise ParseError(f"mlxfwmanager: no list of devices, or cut off: {quoted(text)}")
    root = xml_document.root(text[begin : end + len("</Devices>")], "mlxfwmanager", "Devices")
    found = tuple(_device(element) for element in root.findall("Device"))
    if not found:
        raise ParseError("mlxfwmanager lists no device")
    return found


def _device(element: Element) -> Device:
    address = element.get("pciName")
    status = element.findtext("Status", "").strip()
    if not address or not status:
        raise ParseError(f"mlxfwmanager: a device without {'status' if address else 'PCI address'}")
    versions = {
        child.tag: version
        for child in element.findall("Versions/*")
        if (version := _known(child.get("current"))) is not None
    }
    macs = element.find("MACs")
    return Device(
        address=bdf.normalise(address),
        type=_known(element.get("type")),
        psid=_known(element.get("psid")),
        part=_known(element.get("partNumber")),
        firmware=versions.get("FW"),
        versions=versions,
        mac=_known(macs.get("Base_Mac")) if macs is not None else None,
        status=status,
        description=_known(element.findtext("Description")),
    )


def _known(text: str | None) -> str | None:
    words = (text or "").strip()
    return None if words in _NONE else words
