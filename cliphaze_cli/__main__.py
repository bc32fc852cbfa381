"""`python -m cliphaze_cli`, and the installed command. Worker processes import this too, so it imports nothing."""


def main() -> None:
    """Run the command line. Ctrl-C while its modules are imported ends it as quietly as later."""
    try:
        from cliphaze_cli.cli.app import main
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    main()


if __name__ == "__main__":
    main()
