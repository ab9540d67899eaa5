"""How do feeds look to people: plain pages made on the server, without scripts?"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import orjson

_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:left;vertical-align:top}"
    "nav a{margin-right:1rem}footer{color:#555;margin-top:2rem}"
)


def page(title: str, body: str, links: Iterable[Mapping[str, str]], attribution: str = "") -> bytes:
    """Return a page with a heading, its content and the links that the document has."""
    shown = "".join(
        f'<a rel="{escape(one["rel"])}" href="{escape(one["href"])}">{escape(one.get("title") or one["rel"])}</a>'
        for one in links
        if "{" not in one["href"]
    )
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1>{body}<nav>{shown}</nav><footer>{escape(attribution)}</footer></body></html>"
    )
    return text.encode()


def document_page(title: str, document: Mapping[str, Any], root: str) -> bytes:
    """Return a page of any document: its members as a list, its links, and one to where everything begins."""
    start = {"rel": "start", "href": f"{root}/?f=html", "title": "Start"}
    rows = [(name, value) for name, value in document.items() if name not in ("links", "title")]
    links = [start, *document.get("links", ())]
    return page(title, table(("", ""), rows), links, str(document.get("attribution", "")))


def collections_page(document: Mapping[str, Any]) -> bytes:
    """Return the page that lists the feeds."""
    rows = "".join(
        f'<tr><td><a href="{escape(_self(one))}?f=html">{escape(one["title"])}</a></td>'
        f"<td>{escape(one['description'])}</td></tr>"
        for one in document["collections"]
    )
    return page("Feeds", f"<table>{rows}</table>", document["links"])


def items_page(title: str, document: Mapping[str, Any]) -> bytes:
    """Return the page of a page of features: their properties as a table, without their geometries."""
    features = document["features"]
    names = list(dict.fromkeys(name for one in features for name in one["properties"]))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("id", *names))
    rows = "".join(
        f'<tr><td><a href="{escape(one["href"])}">{escape(one["id"])}</a></td>'
        + "".join(f"<td>{_cell(one['properties'].get(name))}</td>" for name in names)
        + "</tr>"
        for one in features
    )
    told = f"<p>{document['numberReturned']} of {document['numberMatched']} features.</p>"
    return page(title, f"{told}<table><tr>{head}</tr>{rows}</table>", document["links"])


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table><tr>{top}</tr>" + "".join(f"<tr>{''.join(map(_td, row))}</tr>" for row in rows) + "</table>"


def _td(value: Any) -> str:
    return f"<td>{_cell(value)}</td>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else orjson.dumps(value).decode())


def _self(document: Mapping[str, Any]) -> str:
    return str(next(link["href"] for link in document["links"] if link["rel"] == "self"))
