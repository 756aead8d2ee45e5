"""A JUnit file against the strictest schema that is in use, and what no schema says: that all counts and times agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[1] / "report" / "strict-junit.xsd"))


def strict(path: Path) -> etree._Element:
    """The root of a file that holds."""
    root = etree.parse(path, etree.XMLParser(resolve_entities=False, huge_tree=False)).getroot()
    SCHEMA.assertValid(root)
    suite = root[0]
    cases = suite.findall("testcase")
    for holder in (root, suite):
        assert holder.get("tests") == str(len(cases))
        assert holder.get("failures") == str(len(suite.findall("testcase/failure")))
        assert holder.get("errors") == str(len(suite.findall("testcase/error")))
        assert float(holder.get("time")) == pytest.approx(
            sum(float(c.get("time")) for c in cases), abs=0.0006
        )
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    for result in suite.iterfind("testcase/*[@message]"):
        assert result.text.split("\n")[0] == result.get("message")
    return root
