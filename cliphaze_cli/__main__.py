"""`python -m cliphaze_cli`."""

from cliphaze_cli.cli.app import main

if __name__ == "__main__":
    main()
