"""What do the nodes and edges of a GraphML file say, as text?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from spatial.errors import InputError


@dataclass(frozen=True, slots=True)
class GraphText:
    """Graph attributes, nodes as (id, attributes) and edges as (source, target, attributes), all as text."""

    graph: Mapping[str, str]
    nodes: list[tuple[str, Mapping[str, str]]]
    edges: list[tuple[str, str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the parser has seen so far: the names of attribute keys, and the elements that are open."""

    graph: dict[str, str] = field(default_factory=dict)
    nodes: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    owners: list[dict[str, str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take in the beginning of an element."""
        match name.rpartition(":")[2]:
            case "key":
                self.keys[attributes["id"]] = attributes.get("attr.name", attributes["id"])
            case "graph":
                self.owners.append(self.graph)
            case "node":
                self.nodes.append((attributes["id"], {}))
                self.owners.append(self.nodes[-1][1])
            case "edge":
                self.edges.append((attributes["source"], attributes["target"], {}))
                self.owners.append(self.edges[-1][2])
            case "data":
                self.text.clear()
                self.key[:] = [attributes["key"]]

    def end(self, name: str) -> None:
        """Take in the end of an element."""
        match name.rpartition(":")[2]:
            case "data" if self.owners and self.key:
                self.owners[-1][self.keys.get(self.key[0], self.key[0])] = "".join(self.text).strip()
                self.key.clear()
            case "graph" | "node" | "edge":
                self.owners.pop()

    def characters(self, text: str) -> None:
        if self.key:
            self.text.append(text)


def parse_graphml(path: Path) -> GraphText:
    """Return the text of a GraphML file. A document type, and with it every entity, is refused.

    Raises
    ------
    InputError
        If the file is missing or is no whole GraphML.
    """
    if not path.is_file():
        raise InputError(f"street network {path} is not there")
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.buffer_text = True
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"street network {path.name} is no whole GraphML: {error}") from error
    if not reading.nodes:
        raise InputError(f"street network {path.name} holds no nodes; needed a GraphML saved by OSMnx")
    return GraphText(reading.graph, list(reading.nodes), list(reading.edges))


def _refuse_doctype(*_: Any) -> None:
    raise InputError("a street network that declares a document type is refused; needed plain GraphML")
