"""Lets `python -m multilane` do what the command `multilane` does."""

from multilane.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
