"""Where requests and identifications begin in a line."""

import pytest

from iecread.protocol.heads import starts


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", []),
        ("1.8.0(1*kWh)", []),
        ("/?!", [("/?!", False)]),
        ("/?12!", [("/?12!", False)]),
        ("/#1!", [("/#1!", False)]),
        ("/EXA5DEMO", [("/EXA5DEMO", True)]),
        (" \t/EXA5DEMO", [("/EXA5DEMO", True)]),
        ("/5", [("/5", True)]),  # at the beginning whatever follows
        ("noise/EXA5", [("/EXA5", True)]),
        ("noise/5", []),
        ("/?!/EXA5", [("/?!", False), ("/EXA5", True)]),
        ("/?!/?2!/5", [("/?!", False), ("/?2!", False), ("/5", True)]),
        ("n/?!", [("/?!", False)]),
        ("n/?x", []),
        ("1(m/s)/EXA5", [("/EXA5", True)]),
        ("(/EXA5)", []),
        ("1.8.0(000123*m/s", []),
        ("1.8.0(0001/EXA5DEMO", [("/EXA5DEMO", True)]),
        ("1.8.0(0001*kW/kWh", []),  # the end of a unit
    ],
)
def test_starts(line: str, found: list[tuple[str, bool]]) -> None:
    seen = list(starts(line))
    assert [(line[a:b], identified) for a, b, identified in seen] == found
