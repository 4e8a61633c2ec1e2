"""``simulate``: which meter, where, and what is wrong with the command line."""

import pytest

from iecread import simulator


@pytest.fixture
def served(monkeypatch):
    """What was served, in place of serving."""
    calls = []

    def serve(kind):
        def serving(meter, *place, stop, ready, **more):
            calls.append((kind, meter, place, more))
            ready("PLACE")

        return serving

    for kind in ("pty", "tcp", "port"):
        monkeypatch.setattr(simulator, f"serve_{kind}", serve(kind))
    return calls


def test_a_pty_is_the_default(run, served):
    result = run("simulate")
    assert result.stdout == "PLACE\n"
    assert "iecread readout PLACE" in result.stderr
    kind, meter, place, more = served[0]
    assert (kind, meter.name, place, more) == ("pty", "household", (), {"link": None})


@pytest.mark.parametrize(
    ("argv", "kind", "place", "more"),
    [
        (["--pty", "--link", "/l"], "pty", (), {"link": "/l"}),
        (["--link", "/l"], "pty", (), {"link": "/l"}),
        (["--tcp", "8000"], "tcp", (8000,), {"host": "127.0.0.1"}),
        (["--tcp", "0.0.0.0:0"], "tcp", (0,), {"host": "0.0.0.0"}),
        (["--tcp", "[::1]:80"], "tcp", (80,), {"host": "::1"}),
        (["--port", "/dev/x"], "port", ("/dev/x",), {}),
    ],
)
def test_places(run, served, argv, kind, place, more):
    run("simulate", "industrial", *argv)
    assert (served[0][0], *served[0][2:]) == (kind, place, more)
    assert served[0][1].name == "industrial"


@pytest.mark.parametrize(
    "argv",
    [
        ["household", "--fault", "echo=1", "--fault", "bcc=once"],
        ["sim://household?echo=1&bcc=once"],
        ["sim://household?echo=1", "--fault", "bcc=once"],
    ],
)
def test_faults(run, served, argv):
    run("simulate", *argv)
    wishes = served[0][1].wishes
    assert wishes.echo is True and wishes.bcc == "once"


@pytest.mark.parametrize(
    ("argv", "exit", "said"),
    [
        (["--pty", "--tcp", "1"], 2, "one line only"),
        (["--tcp", "x"], 2, "'x' is no port"),
        (["--tcp", "70000"], 2, "no port from 0"),
        (["--fault", "echo"], 2, "KEY=VALUE"),
        (["--fault", "eco=1"], 5, "did you mean 'echo'"),
        (["hausehold"], 5, "did you mean 'household'"),
    ],
)
def test_what_cannot_be(run, served, argv, exit, said):
    assert said in run("simulate", *argv, exit=exit).stderr
    assert not served


def test_quiet(run, served):
    assert run("simulate", "-q").stderr == ""
