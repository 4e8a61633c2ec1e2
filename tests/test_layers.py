"""Who may import whom, read from the sources.

Each line of LAYERS may import from itself and from those above, never from below.
The engine is without input, output and clock.  Click, rich and pyserial each have
their place.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import iecread

PACKAGE = Path(iecread.__file__).parent

LAYERS = [
    "errors obis registry _version",
    "protocol",
    "lis200",
    "transports statefolder capture tracefile masking serialmask",
    "link",
    "readings loadprofile",
    "settings tomlplaces configschema configfaults meterprofile config meternames "
    "selection addresses scanstate meteroptions engineoptions",
    "meterline meterreadout credentials session comeback scan fleet simulator learned "
    "checkup dataverdict interview lineexamination meterexamination examination "
    "doctor signalwatch",
    "output",
    "cli",
    "__init__ __main__",
]
RANK = {name: rank for rank, line in enumerate(LAYERS) for name in line.split()}
# A module that is not named stands beside the readings: without a line or a session
BESIDE = RANK["readings"]
ENGINE = ("protocol", "lis200")
# input, output, clocks, threads, and the three libraries
NOT_IN_THE_ENGINE = set(
    "asyncio click concurrent ctypes fcntl io logging multiprocessing os pathlib "
    "queue rich sched select selectors serial shutil signal socket ssl subprocess "
    "tempfile termios threading time tomli tty urllib zoneinfo".split()
)
_KNOWN = sys.stdlib_module_names | {"iecread"}
PLACES = {
    "click": lambda file: file.startswith("cli/"),
    "serial": lambda file: file.startswith("transports/"),
    "rich": lambda file: file == "output/table.py" or file.startswith("cli/"),
    "matplotlib": lambda file: file == "output/plot.py",
}


class Import(NamedTuple):
    """One imported module or name."""

    file: str  # in the package
    line: int
    module: str  # what is imported: iecread.protocol.bcc, os, ...
    at_top: bool  # while the file is being imported, and not for types only

    @property
    def layer(self) -> str:
        """The part of the package that imports."""
        return self.file.split("/")[0].removesuffix(".py")

    @property
    def root(self) -> str:
        """The library or module in front."""
        return self.module.split(".")[0]


def _for_types(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def _imports(file: str, body: list[ast.stmt], at_top: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, at_top)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(file, node.lineno, whole, at_top)
        else:
            lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            lazy = lazy or isinstance(node, ast.If) and _for_types(node)
            for name in ("body", "orelse", "finalbody", "handlers"):
                inner = getattr(node, name, [])
                if isinstance(inner, list):
                    yield from _imports(file, inner, at_top and not lazy)


def all_imports() -> list[Import]:
    """Every import of the package."""
    found: list[Import] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += _imports(path.relative_to(PACKAGE).as_posix(), tree.body, True)
    return found


IMPORTS = all_imports()


def test_the_sources_were_found() -> None:
    assert {"protocol", "transports", "link", "cli"} <= {i.layer for i in IMPORTS}
    assert len(IMPORTS) > 100


def test_nobody_imports_from_below() -> None:
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix in ("", ".py")}
    wrong = []
    for found in IMPORTS:
        parts = found.module.split(".")
        if parts[0] != "iecread" or len(parts) < 2:
            continue
        # `from iecread import Meter` is the whole library, `from iecread import obis`
        # one module
        named = len(parts) > 2 or parts[1] in modules
        wanted = parts[1] if named else "__init__"
        if RANK.get(wanted, BESIDE) > RANK.get(found.layer, BESIDE):
            wrong.append(f"{found.file}:{found.line} imports {found.module}")
    assert not wrong


def test_the_engine_has_no_input_output_or_clock() -> None:
    wrong = [
        f"{found.file}:{found.line} imports {found.module}"
        for found in IMPORTS
        if found.layer in ENGINE
        and (found.root in NOT_IN_THE_ENGINE or found.root not in _KNOWN)
    ]
    assert not wrong


@pytest.mark.parametrize("layer", ENGINE)
def test_the_engine_calls_nothing_of_the_kind(layer: str) -> None:
    calls = {"open", "print", "input", "exec", "eval", "__import__"}
    for path in (PACKAGE / layer).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in calls, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("library", list(PLACES))
def test_each_library_has_its_place(library: str) -> None:
    users = [found for found in IMPORTS if found.root == library]
    assert users
    wrong = [f"{u.file}:{u.line}" for u in users if not PLACES[library](u.file)]
    assert not wrong


def test_rich_is_imported_only_where_something_is_drawn() -> None:
    heavy = {"rich", "asyncio", "zoneinfo"}
    wrong = [f"{i.file}:{i.line}" for i in IMPORTS if i.root in heavy and i.at_top]
    assert not wrong


def test_only_the_standard_library_and_the_four_dependencies() -> None:
    optional = {"keyring", "matplotlib"}
    known = _KNOWN | {"click", "serial", "rich", "tomli"} | optional
    assert {found.root for found in IMPORTS} <= known
    wrong = [f"{i.file}:{i.line}" for i in IMPORTS if i.root in optional and i.at_top]
    assert not wrong
