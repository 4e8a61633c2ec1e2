"""``decode``: files and stdin, exit codes, options."""

import pytest

from iecread.protocol.bcc import bcc

HOUSE = b"/ABC5x\r\n\x021.8.0(12.5*kWh)\r\n!\r\n\x03"
CHECK = b"\x51"


def check(data: bytes) -> bytes:
    value = 0
    for byte in data[data.index(b"\x02") + 1 :]:
        value ^= byte
    return data + bytes([value])


GOOD = check(HOUSE)
BAD = HOUSE + bytes([GOOD[-1] ^ 1])


def test_a_file(run, tmp_path):
    file = tmp_path / "saved"
    file.write_bytes(GOOD)
    result = run("decode", str(file), "-f", "json")
    assert result.json["block_check"] == "ok" and result.stderr == ""
    register = result.json["registers"][0]
    assert (register["register"], register["value"], register["unit"]) == (
        "1.8.0",
        12.5,
        "kWh",
    )
    assert result.json["time"] is result.json["port"] is None


def test_stdin(run):
    assert run("decode", "-", "-f", "value", stdin=GOOD).stdout == "12.5\n"


def test_several(run):
    assert len(run("decode", "-", "-f", "json", stdin=GOOD * 3).json) == 3
    assert run("decode", "-", "-f", "jsonl", stdin=GOOD * 3).stdout.count("\n") == 3


def test_a_wrong_check_is_said_and_the_rest_shown(run):
    result = run("decode", "-", "-f", "jsonl", stdin=BAD, exit=8)
    assert result.json["registers"][0]["status"] == "unchecked"
    assert result.error["error"] == "protocol"


def test_one_wrong_of_many(run):
    result = run("decode", "-", "-f", "jsonl", stdin=GOOD + BAD + GOOD, exit=8)
    assert result.stdout.count("\n") == 3


def test_the_check_can_be_switched_off(run):
    assert (
        run("decode", "-", "--bcc=off", "-fjson", stdin=BAD).json["block_check"]
        == "off"
    )


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\x00" * 100, b"hello\r\n"])
def test_nothing_that_can_be_read(run, data):
    stderr = run("decode", "-", stdin=data, exit=8).stderr
    assert stderr.startswith("iecread: nothing in '-'")


def test_text_is_shown_although_nothing_can_be_read(run):
    assert run("decode", "-", "-fjson", stdin=b"hello\r\n", exit=8).json["text"] == [
        "hello"
    ]


def test_strict(run):
    data = b"1.8.0(1)\r\n"
    run("decode", "-", stdin=data)
    assert (
        "1.8.0 is unchecked"
        in run("decode", "-", "--strict", stdin=data, exit=8).stderr
    )


def test_parity_is_found_out_or_said(run):
    even = bytes(c | (c.bit_count() % 2) << 7 for c in HOUSE) + bytes(
        [GOOD[-1] | (GOOD[-1].bit_count() % 2) << 7]
    )
    for argv in ([], ["--framing=7e1"]):
        assert run("decode", "-", *argv, "-fvalue", stdin=even).stdout == "12.5\n"
    run("decode", "-", "--framing=8n1", "-fvalue", stdin=even, exit=8)


def test_time_zone(run):
    data = b"1.6.1(0.5*kW)(2211200730)\r\n"
    argv = ["-f", "json", "--timezone", "Europe/Berlin"]
    assert run("decode", "-", *argv, stdin=data).json["registers"][0]["stamp"] == (
        "2022-11-20T07:30+01:00"
    )


@pytest.mark.parametrize("name", ["none", ".", ""])
def test_a_file_that_cannot_be_read(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    stderr = run("decode", name, exit=2).stderr
    assert stderr.startswith("iecread: cannot read ")
    assert "\n  hint: " in stderr


def test_output(run, tmp_path):
    file = tmp_path / "out.csv"
    run("decode", "-", "-o", str(file), stdin=GOOD)
    assert file.read_text().splitlines()[1].endswith("12.5,kWh,,ok")


def test_no_output_where_nothing_was_read(run, tmp_path):
    run("decode", "-", "-o", str(tmp_path / "out.csv"), stdin=b"", exit=8)
    assert list(tmp_path.iterdir()) == []


def test_meter_text_cannot_reach_the_terminal(run):
    data = b"/ABC5\x1b]0;x\x07\r\n1.8.0(\x1b[2J)\r\nC.1.0(=cmd|x)\r\n!\r\n"
    for argv in (["-ftable"], ["-fcsv"], ["-fvalue"], ["-fjson"]):
        result = run("decode", "-", *argv, stdin=data, terminal=True)
        assert "\x1b[2J" not in result.stdout and "\x1b]" not in result.stdout


def test_explain(run, tmp_path):
    result = run("decode", "-", "--explain", stdin=b"/?!\r\n" + GOOD + b"\x15" + GOOD)
    heads = [line for line in result.stdout.splitlines() if line[8:11].strip(" ")]
    kinds = [line.split()[1] for line in heads]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "31 2e 38 2e 30" in result.stdout and "active energy" in result.stdout
    assert kinds == [
        "request",
        "identification",
        "data",
        "NAK",
        "identification",
        "data",
    ]
    wrong = run("decode", "-", "--explain", stdin=BAD, exit=8)
    assert "block check" in wrong.stdout and "is wrong" in wrong.stderr
    escape = run("decode", "-", "--explain", stdin=b"/ABC5\x1b[2J\r\n").stdout
    assert "\x1b" not in escape and "\\x1b" in escape
    file = tmp_path / "list.txt"
    assert run("decode", "-", "--explain", "-o", str(file), stdin=GOOD).stdout == ""
    assert "data block" in file.read_text()


def test_explain_in_colour_and_with_parity(run):
    from iecread.protocol.parity import add_even

    even = bytearray(add_even(GOOD))
    even[-8] ^= 0x80
    args = ("decode", "-", "--explain", "--color", "always")
    seen = run(*args, stdin=bytes(even), exit=None).stdout
    assert "\x1b[33mdata block" in seen and "\x1b[32mblock check: right" in seen
    plain = run("decode", "-", "--explain", stdin=bytes(even), exit=None).stdout
    assert "\x1b" not in plain and "1 of wrong parity" in " ".join(plain.split())


def test_explain_of_a_lis200_device(run):
    dialogue = b"/Els6EK260\r\n\x06061\r\n"
    for text in (b"R1\x022:300.0(1)", b"W1\x024:171.0(SECRET12)"):
        dialogue += b"\x01" + text + b"\x03" + bytes([bcc(text + b"\x03")])
    for text in (b"2:300.0(17*m3)", b"(#0018)"):
        dialogue += b"\x02" + text + b"\x03" + bytes([bcc(text + b"\x03")])
    seen = " ".join(run("decode", "-", "--explain", stdin=dialogue).stdout.split())
    for words in ("base volume", "code of the customer lock", "error 18: no right"):
        assert words in seen
    assert "SECRET" not in seen and b"SECRET"[:3].hex(" ") not in seen


def test_a_hex_dump_is_understood(run):
    dump = b"\n".join(
        b"%08x: %s" % (at, GOOD[at : at + 16].hex(" ").encode())
        for at in range(0, len(GOOD), 16)
    )
    assert run("decode", "-", "-fvalue", stdin=dump).stdout == "12.5\n"


@pytest.fixture
def two(tmp_path):
    """Two readouts, the second a day later."""
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_bytes(b"/ABC5x\r\n1.8.0(12.5*kWh)\r\n2.8.0(7*kWh)\r\n3(a)\r\n!\r\n")
    new.write_bytes(b"/ABC5x\r\n1.8.0(12.75*kWh)\r\n2.8.0(7*kWh)\r\n4(b)\r\n!\r\n")
    return str(old), str(new)


def test_diff(run, two):
    result = run("decode", "--diff", *two, "-f", "json")
    assert [row["what"] for row in result.json] == ["changed", "gone", "new"]
    assert result.json[0] == {
        "register": "1.8.0",
        "name": "active energy, import",
        "what": "changed",
        "old": 12.5,
        "new": 12.75,
        "delta": 0.25,
        "unit": "kWh",
        "old_unit": None,
    }
    assert "registers as they were: 1, others: 3" in result.stderr
    table = run("decode", *two, "--diff", "-f", "table").stdout
    assert max(map(len, table.splitlines())) <= 80 and "0.25  kWh" in table
    assert run("decode", "--diff", two[0], two[0], "-fcsv").stdout.count("\n") == 1


def test_diff_of_a_counter_that_went_back(run, two):
    result = run("decode", "--diff", *reversed(two), "-fcsv", exit=11)
    assert ",went back,12.75,12.5,-0.25,kWh," in result.stdout
    assert "went back: '1.8.0'" in result.stderr


def test_diff_wants_two_files(run, two):
    for argv in (two[:1], (*two, two[0]), ("-", "-"), (*two, "--explain")):
        run("decode", "--diff", *argv, exit=2)
    run("decode", *two, exit=2)
    run("decode", "--diff", two[0], "-", stdin=b"", exit=8)
    wrong = run("decode", "--diff", two[0], "-", stdin=BAD, exit=8)
    assert "block check" in wrong.stderr


GOOD_CHECK = bcc(b"1.8.0(5)\r\n!\r\n\x03")


def test_the_form_of_the_input(run):
    log = b"17:42:11 RX <STX>1.8.0(5)<CR><LF>!<CR><LF><ETX>%c\n" % GOOD_CHECK
    good = run("decode", "-", "-fjson", stdin=log)
    assert good.json["block_check"] == "ok"
    raw = run("decode", "-", "-fjson", "--input", "raw", stdin=log)
    assert raw.json["block_check"] == "absent"
