"""`python -m cliphaze_cli`, and the installed command. Worker processes import this too, so it imports nothing."""


def main() -> None:
    """Run the command line. Ctrl-C while its modules are imported ends it as quietly as later."""
    try:
        _take_over_ctrl_c()
        from cliphaze_cli.cli.app import main
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    main()


def _take_over_ctrl_c() -> None:
    import signal

    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # the package set it; see there
        signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
