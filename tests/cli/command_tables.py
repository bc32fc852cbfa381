"""Every option of every command, as tables in Markdown.

python -m tests.cli.command_tables          # prints them
python -m tests.cli.command_tables --write  # puts them into docs/commands.md

A test holds the page to them.
"""

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from cliphaze_cli.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def commands() -> dict[str, Any]:
    """The commands by their names, in the order of `cliphaze --help`."""
    return dict(get_command(app).commands)  # type: ignore[attr-defined]


def table(command: Any) -> list[str]:
    """The lines of a command's table: arguments first, then options; defaults where there are any."""
    rows = [f"| {_name(one)} | {one.help} | {_default(one)} |".replace("|  |", "| |") for one in command.params]
    return ["| option | meaning | default |", "|---|---|---|", *rows]


def page_with_tables(page: str) -> str:
    """The page with each table between its two marks as it is now; ValueError for a command without marks."""
    for name, command in commands().items():
        first, last = f"<!-- options of {name} -->\n", f"<!-- end of {name} -->\n"
        before, found, rest = page.partition(first)
        _, ended, after = rest.partition(last)
        if not (found and ended):
            raise ValueError(f"the page has no place for {name}: it lies between {first.strip()} and {last.strip()}")
        page = before + first + "\n".join(table(command)) + "\n" + last + after
    return page


def _name(parameter: Any) -> str:
    if parameter.secondary_opts:  # a switch that is on unless it is put off
        return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    value = parameter.metavar or ("" if parameter.default is False else parameter.name.upper())
    if parameter.param_type_name == "argument":
        return f"`{value}`"
    long = next(name for name in parameter.opts if name.startswith("--"))
    value = f" {value}" if value else ""
    short = "".join(f", `{name}`" for name in parameter.opts if name != long)
    return f"`{long}{value}`".replace("|", "\\|") + short


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = parameter.default
    if parameter.secondary_opts:
        return f"`{(parameter.opts if default else parameter.secondary_opts)[0]}`"
    if default in (None, False, "") or default == ():
        return ""
    return f"{default:g}" if isinstance(default, float) else f"{default}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write("".join(f"{name}\n\n" + "\n".join(table(one)) + "\n\n" for name, one in commands().items()))
