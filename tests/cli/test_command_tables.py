"""docs/commands.md tells every option as the commands have it."""

from tests.cli.command_tables import PAGE, commands, page_with_tables


def test_the_page_holds_the_tables_of_today():
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_with_tables(page), "run python -m tests.cli.command_tables --write"


def test_every_option_says_what_it_is_for():
    for command in commands().values():
        assert all(parameter.help for parameter in command.params)
