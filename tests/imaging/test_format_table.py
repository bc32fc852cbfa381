"""docs/formats.md tells what is true."""

from pathlib import Path

from tests.imaging.format_table import table

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


def test_the_page_holds_the_table_as_it_is_found_out():
    _, _, rest = PAGE.read_text().partition("<!-- table -->\n")
    found, _, _ = rest.partition("<!-- end of table -->")
    assert found.strip().splitlines() == table()


def test_nothing_is_lost_without_a_word():
    assert not [row for row in table() if "UNSAID" in row]
