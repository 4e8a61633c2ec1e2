"""Real processes: signals, pipes, full disks, bare environments."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

IECREAD = [sys.executable, "-m", "iecread"]
# as it is for people: with PYTHONUNBUFFERED nothing is left behind to fail at exit
BUFFERED = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and devices")


def start(*argv: str, **more) -> subprocess.Popen[bytes]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": BUFFERED}
    return subprocess.Popen([*IECREAD, *argv], **(pipes | more))


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


READS = ["readout", "sim://industrial", "-f", "csv"]


@posix
def test_a_reader_that_goes_ends_it_quietly():
    first = start("listen", "sim://p1?period=0.01", "-f", "csv")
    assert first.stdout is not None
    assert first.stdout.readline().startswith(b"time,meter")
    first.stdout.close()
    assert first.stderr is not None
    assert first.stderr.read() == b""
    assert first.wait(30) == 141


@posix
@pytest.mark.parametrize("argv", [["--help"], ["help", "formats"], READS])
def test_a_reader_that_never_was(argv):
    read, write = os.pipe()
    os.close(read)
    process = start(*argv, stdout=write)
    os.close(write)
    assert ended(process) == (141, "", "")


@posix
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "hangup"),
    ],
)
def test_signals_end_a_session(number, status, said):
    process = start("listen", "sim://p1?period=0.05", "-f", "jsonl")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    code, _, err = ended(process)
    assert code == status
    assert json.loads(err)["message"] == said


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_waiting_for_a_mute_meter(number):
    process = start("readout", "sim://household?mute=1", "-vv")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(number)
    assert ended(process)[0] == 128 + number


@posix
def test_the_link_of_a_simulated_meter_goes_with_it(tmp_path):
    link = tmp_path / "meter"
    process = start("simulate", "household", "--pty", "--link", str(link))
    assert process.stdout is not None
    assert process.stdout.readline().decode() == f"{link}\n"
    assert link.is_symlink()
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    assert not link.is_symlink()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize(
    "argv", [READS, ["--help"], ["help", "formats"], ["--version"]]
)
def test_a_full_disk_behind_stdout(argv):
    with open("/dev/full", "wb") as full:
        code, _, err = ended(start(*argv, stdout=full))
    assert code == 10
    assert err.startswith("iecread: cannot write")
    assert "No space left" in err or "no space left" in err
    assert "Exception ignored" not in err and "Traceback" not in err


@posix
def test_no_stdout_at_all():
    command = f"{' '.join(IECREAD)} {' '.join(READS)} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 10
    assert done.stderr.startswith("iecread: standard output is closed")


@posix
def test_no_stderr_at_all():
    command = f"{' '.join(IECREAD)} readout kitchen 2>&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (4, "")


@posix
@pytest.mark.parametrize(
    "env", [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"HOME": "/none"}]
)
def test_bare_environments(env):
    code, out, err = ended(start(*READS, env=env))
    assert (code, err) == (0, "")
    assert out.startswith("time,meter,serial,register,name,value")


def test_stdout_is_the_same_bytes_in_any_locale(tmp_path):
    saved = tmp_path / "saved.txt"
    saved.write_bytes(b"/ABC5x\r\n1.8.0(\xe4)\r\n!\r\n")
    outs = {
        ended(start("decode", str(saved), "-f", "jsonl", env=env))[1]
        for env in ({}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"})
    }
    assert len(outs) == 1


@posix
def test_a_table_at_a_pipe_of_another_encoding_does_not_fail():
    env = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    code, out, err = ended(start("readout", "sim://household", "-f", "table", env=env))
    assert (code, err) == (0, "") and out


def test_as_a_console_script():
    script = Path(sys.executable).with_name("iecread")
    if not script.exists():
        pytest.skip("not installed")
    done = subprocess.run([script, "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("iecread ")
