"""Text as XML can hold it, and a JUnit tree as a document. Shared by every report that is XML or HTML."""

from __future__ import annotations

import re
from typing import Any

# What XML 1.0 cannot hold at all, not even as a reference (production [2] Char).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text without what XML cannot hold: such characters become their escapes. Markup is left as it is."""
    return _NOT_XML.sub(lambda hit: f"\\x{ord(hit.group()):02x}", text)


def document(tree: Any) -> str:
    """The document of a junitparser tree: declaration, one element a line."""
    from xml.etree import ElementTree

    # The schema that CI servers check against knows it of a suite and not of the root.
    tree._elem.attrib.pop("skipped", None)
    ElementTree.indent(tree._elem)
    body: str = ElementTree.tostring(tree._elem, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'
