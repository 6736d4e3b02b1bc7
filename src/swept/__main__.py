"""`python -m swept`: the same as the `swept` command."""

from swept.cli.main import main

if __name__ == "__main__":
    main()
