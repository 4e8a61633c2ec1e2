"""Look for input that breaks a promise, guided by coverage, for as long as you like.

    pip install atheris
    python tests/fuzz/fuzz.py TARGET [FOLDER...] [-max_total_time=600] [...]

TARGET is a function of ``targets.py``; FOLDERs hold inputs to begin with, and the
first takes new ones.  Arguments that begin with ``-`` go to libFuzzer.  An input that
takes 10 s or 1 GiB counts as found too.  What is found becomes a seed once it is
mended, and so a test.
"""

import sys

import atheris

with atheris.instrument_imports(include=["iecread"]):
    from targets import TARGETS

from seeds import write


def main() -> None:
    program, name, *rest = sys.argv
    folders = [one for one in rest if not one.startswith("-")]
    if folders:
        write(folders[0], name)
    limits = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"]
    atheris.Setup([program, *limits, *rest], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
