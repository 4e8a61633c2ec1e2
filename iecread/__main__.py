"""Entry point of ``iecread`` and of ``python -m iecread``.

Click is imported inside, so that Ctrl-C while modules load ends as it does later:
with a status, not with a traceback.
"""

import sys


def main() -> int:
    """Run the command line of this process and return its exit status."""
    try:
        from iecread.cli.main import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
