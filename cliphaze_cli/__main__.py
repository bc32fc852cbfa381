"""`python -m cliphaze_cli`, and the installed command. Worker processes import this too, so it imports nothing."""


def main() -> None:
    """Run the command line."""
    from cliphaze_cli.cli.app import main

    main()


if __name__ == "__main__":
    main()
