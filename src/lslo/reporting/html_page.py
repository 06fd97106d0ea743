"""The HTML pages of the report: sections of text and tables, each page a file that needs no other."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, StrictUndefined

from lslo.reporting.table_cells import PrintedTable

# A string, not a file beside this module: the fingerprints of the code follow imports and would miss a file.
_TEMPLATE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { margin: 1.5em; background: #fff; color: #222; font: 14px/1.45 sans-serif }
h2 { margin: 1.5em 0 .6em; font-size: 1.2em }
h2:first-child { margin-top: 0 }
p { max-width: 60em }
pre { overflow-x: auto; margin: 0; padding: .8em 1em; background: #f5f5f5; font: 13px/1.45 monospace }
div { overflow-x: auto }
table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid }
thead { border-bottom: 1px solid }
th, td { padding: .3em .7em; vertical-align: top; white-space: nowrap; font-variant-numeric: tabular-nums }
.wrapped th, .wrapped td { white-space: normal }
.wrapped tbody tr + tr { border-top: 1px solid #ddd }
.left { text-align: left }
.right { text-align: right }
td.good, td.bad, td.unknown { font-weight: bold; white-space: nowrap }
.good { color: #2a7f3f }
.bad { color: #b3261e }
.unknown { color: #666 }
</style>
</head>
<body>
{% macro classes(right_aligned, verdict="") %}
{{ "right" if right_aligned else "left" }}{{ " " ~ verdict if verdict }}
{%- endmacro %}
{% for section in sections %}
{% if section.heading %}
<h2>{{ section.heading }}</h2>
{% endif %}
{% if section.above %}
<p>{{ section.above }}</p>
{% endif %}
{% if section.preformatted %}
<pre>{{ section.preformatted }}</pre>
{% endif %}
{% if section.table %}
{% set table = section.table %}
<div><table{% if table.wrapped %} class="wrapped"{% endif %}>
<thead><tr>
{%- for heading in table.headings %}
<th class="{{ classes(table.right_aligned[loop.index0]) }}">{{ heading }}</th>
{%- endfor -%}
</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>
{%- for cell in row %}
<td class="{{ classes(table.right_aligned[loop.index0], cell.verdict) }}">
{%- if cell.bold and not cell.verdict %}<b>{{ cell.text }}</b>{% else %}{{ cell.text }}{% endif %}
</td>
{%- endfor -%}
</tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% if section.below %}
<p>{{ section.below }}</p>
{% endif %}
{% endfor %}
</body>
</html>
"""
_PAGE = Environment(
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
).from_string(_TEMPLATE)


@dataclass(frozen=True)
class Section:
    """A part of a page, from top to bottom; what is empty is left out.

    Attributes:
        heading: The heading.
        above: A paragraph.
        preformatted: A text whose line breaks and spaces are kept.
        table: A table.
        below: A paragraph.
    """

    heading: str = ""
    above: str = ""
    preformatted: str = ""
    table: PrintedTable | None = None
    below: str = ""


def html_page(title: str, *sections: Section) -> str:
    """Writes a page; all texts are escaped."""
    return _PAGE.render(title=title, sections=sections)
