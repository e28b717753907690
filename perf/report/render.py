# SPDX-License-Identifier: Apache-2.0
"""Sections as text, as one HTML page, and as the generated part of docs/performance.md."""

import re
from collections.abc import Sequence
from html import escape

from report.model import Section

BEGIN = "<!-- scripts/bench --docs writes from here -->"
END = "<!-- to here -->"

CSS = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 860px; margin: 2em auto; padding: 0 1em;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1em 0; font-size: 14px; }
td, th { border-bottom: 1px solid #ddd; padding: 3px 10px; text-align: right; }
td:first-child, th:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
"""


def as_text(sections: Sequence[Section]) -> str:
    parts = []
    for section in sections:
        parts.append(f"\n{section.title}")
        if not section.table:
            parts.append(f"  {section.text}")
            continue
        rows = [section.header, *section.table] if any(section.header) else section.table
        widths = [max(len(row[i]) for row in rows) for i in range(len(section.header))]
        for row in rows:
            first = row[0].ljust(widths[0])
            rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))
            parts.append("  " + "  ".join([first, *rest]).rstrip())
    return "\n".join(parts).lstrip("\n")


def html_table(section: Section) -> str:
    if not section.table:
        return ""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head = [row(section.header, "th")] if any(section.header) else []
    return "\n".join(["<table>", *head, *(row(cells, "td") for cells in section.table), "</table>"])


def as_html(sections: Sequence[Section], heading: str) -> str:
    body = [f"<h1>{escape(heading)}</h1>"]
    for section in sections:
        text = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(section.text))
        body += [f"<h2 id='{section.name}'>{escape(section.title)}</h2>", f"<p>{text}</p>",
                 section.plot, html_table(section)]  # fmt: skip
    return "\n".join(["<!DOCTYPE html>", "<html lang='en'><head><meta charset='utf-8'>",
                      f"<title>{escape(heading)}</title><style>{CSS}</style></head><body>",
                      *body, "</body></html>", ""])  # fmt: skip


def as_markdown(sections: Sequence[Section], plots_folder: str) -> str:
    parts = []
    for section in sections:
        parts += [f"## {section.title}", ""]
        parts += [section.text, ""] if section.text else []
        if section.plot:
            parts += [f"![{section.title}]({plots_folder}/{section.name}.svg)", ""]
        lines = ["| " + " | ".join(section.header) + " |", "|" + "---|" * len(section.header)]
        lines += ["| " + " | ".join(row) + " |" for row in section.table]
        parts += [*lines, ""] if section.table else []
    return "\n".join(parts)


def replace_generated(document: str, generated: str) -> str:
    """The document with what is between the marks replaced; the rest is a person's."""
    before, mark, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"the document has no marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{generated.strip()}\n\n{END}{after}"
