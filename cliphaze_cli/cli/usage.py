"""How the help of a command shows what it takes, and its examples."""

from typing import Any

from typer.core import TyperCommand

from cliphaze_cli.system.errors import UsageError

_NUMBERS = {"valid integer": "a whole number", "valid float": "a number", "valid number": "a number"}
"""What the parser's error for a value that is no number holds, by version of Typer, and what the value should be."""


def decimal_hint(text: str) -> str:
    """ ": write 0.5" for a number with a decimal comma, as "0,5" or "1.000,5"; empty for anything else."""
    whole, comma, part = text.strip().partition(",")
    try:
        number = float(f"{whole.replace('.', '')}.{part}")
    except ValueError:
        return ""
    return f": write {number:.15g}" if comma else ""


class ShownCommand(TyperCommand):
    """A command whose usage line shows its arguments as their metavar has them, without the brackets of what may be
    left out, and whose epilog is printed as it is: one example a line, to be copied."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The options, then the arguments."""
        arguments = [one for one in self.get_params(ctx) if one.param_type_name == "argument"]
        shown = [[one.metavar] if one.metavar else one.get_usage_pieces(ctx) for one in arguments]
        return [self.options_metavar or "", *(piece for pieces in shown for piece in pieces)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual; where the value of an option is missing or no number, say which values it takes."""
        typed = list(args)
        self._refuse_single_dashes(typed)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            message, option = str(getattr(error, "message", "")), getattr(error, "param", None)
            kind = next((kind for part, kind in _NUMBERS.items() if part in message), None)
            if option is not None and kind is not None and (text := _value(option.opts, typed)) is not None:
                hint = decimal_hint(text) if kind == "a number" else ""
                between = f" in {option.metavar}" if ".." in (option.metavar or "") else ""
                raise UsageError(f"{option.opts[0]} takes {kind}{between}, not {text!r}{hint}") from error
            name = getattr(error, "option_name", None)
            values = [one.metavar for one in self.params if name in one.opts and one.metavar]
            if values and hasattr(error, "message"):
                error.message = f"Option {name} needs a value: {values[0]}"
            raise

    def _refuse_single_dashes(self, typed: list[str]) -> None:
        """-overwrite would be -o with the value "verwrite"."""
        names = {name: bool(getattr(one, "is_flag", False)) for one in self.params for name in one.opts}
        for previous, word in zip(["", *typed], typed, strict=False):
            if word == "--":
                return
            name = f"-{word.partition('=')[0]}"
            if name.startswith("--") and name in names and names.get(previous, True):
                raise UsageError(f"{name[1:]}: a long option has two dashes, {name}")

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Typer would break the lines of an epilog anew."""
        examples, self.epilog = self.epilog, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = examples
        if examples:
            formatter.write(f" Examples:\n{examples}\n")


def _value(names: list[str], typed: list[str]) -> str | None:
    """What was typed as an option's value, which the parser's errors do not tell: the last one, which counts."""
    value = None
    for argument, following in zip(typed, [*typed[1:], None], strict=True):
        for name in names:
            if argument == name:
                value = following
            elif argument.startswith(f"{name}=" if name.startswith("--") else name):
                value = argument.removeprefix(name).removeprefix("=")
    return value
