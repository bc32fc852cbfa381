"""How the help of a command shows what it takes, and its examples."""

from typing import Any

from typer.core import TyperCommand


class ShownCommand(TyperCommand):
    """A command whose usage line shows its arguments as their metavar has them, without the brackets of what may be
    left out, and whose epilog is printed as it is: one example a line, to be copied."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The options, then the arguments."""
        arguments = [one for one in self.get_params(ctx) if one.param_type_name == "argument"]
        shown = [[one.metavar] if one.metavar else one.get_usage_pieces(ctx) for one in arguments]
        return [self.options_metavar or "", *(piece for pieces in shown for piece in pieces)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As usual; where the value of an option is missing, say which values it takes."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            name = getattr(error, "option_name", None)
            values = [one.metavar for one in self.params if name in one.opts and one.metavar]
            if values and hasattr(error, "message"):
                error.message = f"Option {name} needs a value: {values[0]}"
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Typer would break the lines of an epilog anew."""
        examples, self.epilog = self.epilog, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = examples
        if examples:
            formatter.write(f" Examples:\n{examples}\n")
