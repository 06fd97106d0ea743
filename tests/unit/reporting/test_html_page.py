"""Pages of the report escape every text and leave out what is empty."""

from lslo.reporting.html_page import Section, html_page
from lslo.reporting.run_page import run_page
from lslo.reporting.table_cells import Cell, PrintedTable


def test_every_text_is_escaped():
    table = PrintedTable(["<h>"], [[Cell("<c>", bold=True)], [Cell("<v>", verdict="good")]], [True])
    page = html_page("<t>", Section("<1>", "<2>", "<3>", table, "<4>"), Section(above="a & b"))
    for text in "<t>", "<1>", "<2>", "<3>", "<4>", "<h>", "<c>", "<v>":
        assert text not in page
        assert f"&lt;{text[1]}&gt;" in page
    assert "a &amp; b" in page
    assert '<td class="right"><b>&lt;c&gt;</b></td>' in page
    assert '<td class="right good">&lt;v&gt;</td>' in page


def test_what_is_empty_is_left_out():
    page = html_page("t", Section(above="text"))
    body = page[page.index("<body>") :]
    assert body.split() == ["<body>", "<p>text</p>", "</body>", "</html>"]


def test_a_runs_page_has_its_configuration_and_versions():
    page = run_page("seeds: [1]\ntables:\n  table1: [Pretrain]\n", {"python": "3.11"}, "Linux")
    assert "<pre>seeds: [1]\ntables:\n  table1: [Pretrain]\n</pre>" in page
    assert '<td class="left">python</td><td class="left">3.11</td>' in page
    assert "<p>Linux</p>" in page
