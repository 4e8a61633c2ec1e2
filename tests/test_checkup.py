"""The computer: packages, meters.toml, the port and who has it."""

import fcntl
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from iecread import checkup
from iecread.diagnosis import Layer, State
from iecread.errors import IecReadError, PortError
from iecread.transports import open_line
from iecread.transports.porterrors import in_use, no_permission, no_such_port

ROOT = Path(__file__).parent.parent


def test_an_installation_that_is_well(tmp_path):
    layer = checkup.installation({"IECREAD_STATE_DIR": str(tmp_path)})
    assert layer.state is State.OK
    seen = "\n".join(layer.evidence)
    assert sys.executable in seen and "pyserial 3" in seen and str(tmp_path) in seen


def test_the_packages_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [line.partition(";")[0] for line in project["dependencies"]]
    pairs = dict(line.strip().split(">=") for line in wanted if ">=" in line)
    assert pairs == checkup.REQUIRED


@pytest.mark.parametrize(
    ("version", "words"),
    [("0.1", "pyserial 0.1 is too old"), ("99", None)],
)
def test_versions(monkeypatch, tmp_path, version, words):
    real = checkup.metadata.version
    fake = lambda name: version if name == "pyserial" else real(name)  # noqa: E731
    monkeypatch.setattr(checkup.metadata, "version", fake)
    layer = checkup.installation({"IECREAD_STATE_DIR": str(tmp_path)})
    assert [f.sentence.startswith(words or "-") for f in layer.findings] == [True] * (
        words is not None
    )


def test_a_package_that_is_missing_or_another(monkeypatch, tmp_path):
    environ = {"IECREAD_STATE_DIR": str(tmp_path)}
    monkeypatch.setitem(sys.modules, "tomli", None)
    layer = checkup.installation(environ)
    assert "tomli cannot be imported" in layer.findings[0].sentence
    assert "pip install 'tomli>=2.0.1'" in layer.findings[0].line
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "serial", sys)  # has no serial_for_url
    layer = checkup.installation(environ)
    assert "in the way of pyserial" in layer.findings[0].sentence


def test_another_copy_is_named(monkeypatch, tmp_path):
    (tmp_path / "iecread").mkdir()
    (tmp_path / "iecread" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    layer = checkup.installation({"IECREAD_STATE_DIR": str(tmp_path)})
    (copies,) = (line for line in layer.evidence if line.startswith("other copies"))
    assert f"{tmp_path}/iecread" in copies


def test_no_state_folder(tmp_path):
    (tmp_path / "file").touch()
    layer = checkup.installation({"IECREAD_STATE_DIR": str(tmp_path / "file")})
    assert layer.findings[0].ailment == "state"


@pytest.mark.parametrize(
    ("text", "meter", "words"),
    [
        (None, None, None),
        (None, "kitchen", "no meters.toml"),
        ('schema = 1\n[meters.cellar]\nport = "COM1"\n', "kitchen", "no meter called"),
        ('schema = 1\n[meters.kitchen]\nport = "COM1"\n', "kitchen", None),
        ("schema = 1\n[meters.kitchen]\n\n", None, "kitchen has no port"),
        ("schema = \n", None, "no TOML"),
    ],
)
def test_configuration(tmp_path, text, meter, words):
    environ = {"IECREAD_CONFIG": str(tmp_path / "m.toml")} if text else {"HOME": "/x"}
    if text is not None:
        (tmp_path / "m.toml").write_text(text)
    layer, _ = checkup.configuration(None, environ, meter)
    if words is None:
        assert not layer.findings
        assert layer.state is (State.OK if text else State.SKIPPED)
    else:
        assert words in layer.findings[0].sentence
        assert layer.findings[0].kind == "config" and layer.findings[0].line


def said(error: IecReadError) -> tuple[str, str, str]:
    layer = Layer()
    checkup.port_wrong(layer, error)
    return layer.findings[0].ailment, layer.findings[0].kind, layer.findings[0].line


def test_what_is_wrong_with_a_port(monkeypatch, tmp_path):
    path = str(tmp_path / "tty")
    Path(path).touch(mode=0o660)
    ailment, kind, line = said(no_permission(path))
    assert (ailment, kind) == ("denied", "port") and line
    assert said(in_use(path))[:2] == ("held", "busy")
    assert said(no_such_port("/dev/nope"))[:2] == ("port", "port")
    monkeypatch.setattr(checkup, "meddlers", lambda: ["ModemManager", "brltty"])
    error = in_use(path)
    error.message = "port is in use by ModemManager (pid 7)"
    assert said(error)[2] == "sudo systemctl mask --now ModemManager"
    assert "brltty" in said(no_such_port("/dev/nope"))[2]


def test_settings_of_a_port_are_read_back():
    """A pseudo terminal takes all speeds; what is refused is named."""
    master, slave = os.openpty()
    try:
        line = open_line(os.ttyname(slave))
        layer = Layer()
        checkup.settings(layer, line, 300)
        assert layer.evidence[0] == "accepts 300 to 19200 Bd, read back"
        real = line.set_speed

        def only(baud: int) -> None:
            if baud < 1200:
                raise PortError(f"cannot do {baud} Bd", "another adapter")
            real(baud)

        line.set_speed = only  # type: ignore[method-assign]
        checkup.settings(layer, line, 300)
        assert "does not accept 300, 600 Bd" in layer.evidence
        assert layer.findings[0].ailment == "setting"
        line.close()
    finally:
        os.close(master)
        os.close(slave)


def test_the_holder_is_named():
    master, slave = os.openpty()
    try:
        fcntl.flock(slave, fcntl.LOCK_EX)
        with pytest.raises(IecReadError) as error:
            open_line(os.ttyname(slave))
        layer = Layer()
        checkup.port_wrong(layer, error.value)
        assert layer.findings[0].ailment == "held"
        assert re.search(rf"\(pid {os.getpid()}\)", layer.findings[0].sentence)
    finally:
        os.close(master)
        os.close(slave)
