"""XML from nodes, read by expat alone.

The usual safe reader (defusedxml) calls Python for every element, which for `nvidia-smi -q -x` of eight GPUs (4,000
elements, three times a run and node) costs more than all that is done with it afterwards. What makes XML dangerous is
declared in a document type's internal subset, so a document that has one is refused before it is read: without it
there is no entity to expand and nothing to fetch. The mere name of a document type, which nobody looks up, is read only
for tools that print one.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, fromstring
from xml.etree.ElementTree import ParseError as XmlError

from bringup.errors import ParseError

_HARMLESS = re.compile(r"<!--|<!\[CDATA\[")
_NAMES_ITS_TYPE = re.compile(r"<!DOCTYPE[^>\[]*>")
_MOST_CHARS = 16 << 20


def root(text: str, what: str, tag: str, *, doctype: bool = False) -> Element:
    """The root element, which must be a `tag`. Raises ParseError; `what` names the source in its text.

    `doctype`: whether the document may name its type.
    """
    if len(text) > _MOST_CHARS:
        raise ParseError(f"{what} has {len(text)} characters")
    at = text.find("<!")
    while at >= 0:
        if not _HARMLESS.match(text, at) and not (doctype and _NAMES_ITS_TYPE.match(text, at)):
            raise ParseError(f"{what} is no XML that can be read: it declares a document type")
        at = text.find("<!", at + 2)
    try:
        element = fromstring(text)  # safe without declarations, see above
    except (XmlError, ValueError) as error:
        raise ParseError(f"{what} is no XML that can be read: {str(error)[:120]}") from None
    if element.tag != tag:
        raise ParseError(f"{what} has a root element {element.tag[:40]!r}")
    return element
