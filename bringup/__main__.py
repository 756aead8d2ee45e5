"""`python -m bringup` is the same as `bringup`."""

from bringup.cli import main

if __name__ == "__main__":
    main()
