"""Load profiles: from the text of answers to rows."""

import random
import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iecread import loadprofile
from iecread.continuity import Continuity, Gap, Overlap
from iecread.errors import RemoteProtocolError
from iecread.loadprofile import Outcome, ProfileDecoder
from iecread.protocol.bcc import bcc_xor
from iecread.protocol.datasets import DataSet
from iecread.protocol.telegrams import TelegramDecoder
from iecread.rows import Row, follow

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = timezone(timedelta(hours=2))
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

# protocol.md T18: the clock was set between the second and the third row
T18 = (
    "P.01(1240601001500)(00)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n"
    "(0.412)(0.051)\r\n"
    "(0.398)(0.049)\r\n"
    "P.01(1240601004500)(20)(15)(2)(1.5.0)(kW)(3.5.0)(kvar)\r\n"
    "(0.405)(0.050)\r\n"
    "(0.420)()\r\n"
)


def head(
    stamp: str,
    *codes: str,
    status: str = "00",
    period: str = "15",
    number: str = "",
) -> str:
    codes = codes or ("1.5.0",)
    pairs = "".join(f"({code})(kW)" for code in codes)
    return f"P.01({stamp})({status})({period})({number or len(codes)}){pairs}\r\n"


def lines(*rows: str) -> str:
    """``"1 2"`` is the line ``(1)(2)``."""
    return "".join(
        "".join(f"({value})" for value in row.split(" ")) + "\r\n" for row in rows
    )


def decode(text: str, **options: object) -> tuple[list[Row], ProfileDecoder]:
    decoder = ProfileDecoder(BERLIN, **options)  # type: ignore[arg-type]
    rows = decoder.feed(text)
    return rows + decoder.finish(), decoder


def short(rows: Iterable[Row]) -> list[str]:
    """Time, values and flags of each interval, in one line."""
    found: dict[tuple[datetime, tuple[str, ...]], list[str]] = {}
    for row in rows:
        value = "-" if row.value is None else str(row.value)
        found.setdefault((row.time, row.flags), []).append(value)
    return [
        " ".join((f"{time:%d %H:%M %z}", *values, *flags))
        for (time, flags), values in found.items()
    ]


def test_transcript_t18() -> None:
    rows, decoder = decode(T18)
    flags = ("0x20", "clock-set")
    expected = []
    for minute, one, two, words in (
        (15, "0.412", "0.051", ()),
        (30, "0.398", "0.049", ()),
        (45, "0.405", "0.050", flags),
        (60, "0.420", "", ()),
    ):
        time = datetime(2024, 6, 1, minute // 60, minute % 60, tzinfo=SUMMER)
        other = Decimal(two) if two else None
        expected += [
            Row(time, "P.01", "1.5.0", Decimal(one), one, "kW", words),
            Row(time, "P.01", "3.5.0", other, two, "kvar", words),
        ]
    assert rows == expected
    assert [str(row.value) for row in rows[:2]] == ["0.412", "0.051"]
    assert decoder.rows == 4 and decoder.complete
    assert decoder.outcome is Outcome.ROWS and decoder.error() is None
    assert not decoder.continuity.gaps and not decoder.continuity.overlaps


def corpus(name: str) -> bytes:
    if not CORPUS.exists():
        pytest.skip("no corpus beside the project")
    return (CORPUS / f"{name}.txt").read_bytes()


@pytest.mark.parametrize(
    ("name", "times", "first"),
    [
        (
            "metcom-mcs301-p01",
            ["2022-08-23T15:00", "2022-08-23T15:15", "2022-08-23T15:30"]
            + ["2022-08-23T15:45"],
            [("0x08", "season-change"), (), (), ()],
        ),
        (
            "metcom-mcs301-p01-two-headers",
            ["2023-11-13T10:15", "2023-11-13T10:30", "2023-11-13T10:45"]
            + ["2023-11-13T11:00", "2023-11-13T11:15", "2023-11-13T11:30"],
            [("0x80", "power-failure"), (), (), (), (), ()],
        ),
    ],
)
def test_corpus(name: str, times: list[str], first: list[tuple[str, ...]]) -> None:
    data = corpus(name)
    decoder = ProfileDecoder(ZoneInfo("Europe/Tallinn"))
    rows = decoder.feed(data) + decoder.finish()
    # every row of the text, bracket by bracket
    raws = [
        re.findall(r"\(([^)]*)\)", line)
        for line in data.decode("ascii").split("\r\n")
        if line.startswith("(")
    ]
    offset = "+03:00" if name.endswith("p01") else "+02:00"
    assert [row.raw for row in rows] == [raw for line in raws for raw in line]
    assert [row.value for row in rows] == [Decimal(row.raw) for row in rows]
    assert [row.time.isoformat() for row in rows] == [
        f"{time}:00{offset}" for time in times for _ in range(6)
    ]
    assert [row.flags for row in rows[::6]] == first
    codes = [f"1-0:{code}.5.0" for code in (1, 2, 5, 6, 7, 8)]
    units = ["kW", "kW", "kvar", "kvar", "kvar", "kvar"]
    assert [row.register for row in rows] == codes * len(raws)
    assert [row.unit for row in rows] == units * len(raws)
    assert decoder.complete and not decoder.continuity.gaps


# --- forms -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "(1)(2)(3)\r\n(4)(5)(6)\r\n",
        "(1)(2)(3)\n(4)(5)(6)\n",
        "(1)(2)(3)\r(4)(5)(6)\r",
        "(1)(2)(3)\r\n(4)(5)(6)",
        "(1)\r\n(2)\r\n(3)\r\n(4)\r\n(5)\r\n(6)\r\n",
        "(1)(2)\r\n(3)\r\n(4)(5)\r\n(6)\r\n",
        "(1)(2)(3)(4)(5)(6)\r\n",
        "(1) (2)(3) \r\n\r\n (4)(5)(6)\r\n",
        "(1)(2)(3)\r\n\r\n\r\n(4)(5)(6)\r\n",
        "(1)(2)(3)\r\n!\r\n(4)(5)(6)\r\n",
    ],
)
def test_rows_on_lines_of_any_shape(text: str) -> None:
    expected = ["01 00:15 +0200 1 2 3", "01 00:30 +0200 4 5 6"]
    rows, decoder = decode(head("1240601001500", "1.5.0", "2.5.0", "3.5.0") + text)
    assert short(rows) == expected
    assert decoder.complete


def test_a_header_on_several_lines_and_rows_behind_it() -> None:
    text = "P.01(1240601001500)(00)(15)(2)\r\n(1.5.0)(kW)\r\n(2.5.0)(kW)(1)(2)\r\n"
    rows, decoder = decode(text + "(3)(4)\r\n")
    assert short(rows) == ["01 00:15 +0200 1 2", "01 00:30 +0200 3 4"]
    assert [row.register for row in rows[:2]] == ["1.5.0", "2.5.0"]
    assert decoder.complete


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("P.01", "P.01"),
        ("1-0:P.01*255", "P.01"),
        ("P.1", "P.01"),
        ("P.02", "P.02"),
        ("99.1", "P.01"),
        ("1-0:99.1.0*255", "P.01"),
        ("1-0:99.2.0", "P.02"),
        ("P.200", "P.200"),
        ("0-1:24.3.0", "0-1:24.3.0"),
    ],
)
def test_addresses(address: str, channel: str) -> None:
    rows, _ = decode(head("1240601001500").replace("P.01", address) + lines("1", "2"))
    assert [row.channel for row in rows] == [channel, channel]


@pytest.mark.parametrize("stamp", ["1240601001500", "12406010015", "240601001500"])
def test_stamps(stamp: str) -> None:
    rows, _ = decode(head(stamp) + lines("1", "2"))
    assert short(rows) == ["01 00:15 +0200 1", "01 00:30 +0200 2"]


def test_values() -> None:
    names = ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    text = "(-0.50)()(---)(--.--)( 12)(1,5)(*****)(0.412*MW)(1234567890123456)\r\n"
    rows, decoder = decode(head("1240601001500", *names) + text)
    assert [row.value for row in rows] == [
        *(Decimal("-0.50"), None, None, None, Decimal(12), Decimal("1.5")),
        *("****", Decimal("0.412"), "1234567890123456"),
    ]
    assert [row.unit for row in rows] == ["kW"] * 7 + ["MW", "kW"]
    assert rows[4].raw == " 12" and rows[7].raw == "0.412"
    assert decoder.complete


def test_units_may_be_empty_and_codes_full() -> None:
    text = "P.01(1240601001500)(00)(15)(2)(1-0:1.5.0*255)()(1-0:2.5.0*255)( kW)\r\n"
    rows, _ = decode(text + lines("1 2"))
    assert [(row.register, row.unit) for row in rows] == [
        ("1-0:1.5.0*255", None),
        ("1-0:2.5.0*255", "kW"),
    ]


def test_an_irregular_profile_has_one_time_for_each_header() -> None:
    text = head("1240601001500", period="0") + lines("1")
    text += head("1240601002200", period="") + lines("2", "3", "4")
    rows, decoder = decode(text)
    assert short(rows) == [
        "01 00:15 +0200 1",
        "01 00:22 +0200 2",
        "01 00:22 +0200 3 4 time-unknown",
    ]
    assert not decoder.continuity.gaps and not decoder.continuity.overlaps


def test_mass_rows_without_header() -> None:
    text = (
        "P.02\r\n(24-06-01,00:00)(123456.789,123.456,230.1,)\r\n"
        "(24-06-01,00:15)(123456.890,123.456,230.2,---)\r\n"
        "(24-06-01,00:45)(1,2)(3)\r\n"
    )
    for line_end in ("\r\n", "\n", "\r"):
        rows, decoder = decode(text.replace("\r\n", line_end))
        assert decoder.complete
        assert short(rows) == [
            "01 00:00 +0200 123456.789 123.456 230.1 -",
            "01 00:15 +0200 123456.890 123.456 230.2 -",
            "01 00:45 +0200 1 2 3",
        ]
    assert {row.channel for row in rows} == {"P.02"}
    assert [row.register for row in rows[:4]] == ["[1]", "[2]", "[3]", "[4]"]
    columns = [("1.8.0", "kWh"), ("1.5.0", "kW")]
    quarter = timedelta(minutes=15)
    rows, decoder = decode(
        "P.01(24-06-01,00:00)(1,2,3)\r\n(24-06-01,00:45)(4,5,6)",
        columns=columns,
        period=quarter,
    )
    assert [(row.register, row.unit) for row in rows[:3]] == [*columns, ("[3]", None)]
    assert [gap.missing for gap in decoder.continuity.gaps] == [2]


def test_a_comma_is_a_decimal_mark_elsewhere() -> None:
    rows, _ = decode(head("1240601001500") + lines("1,250"))
    assert rows[0].value == Decimal("1.250")


def test_mass_rows_in_the_doubled_hour() -> None:
    times = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    text = "".join(f"(24-10-27,{time})({n})\r\n" for n, time in enumerate(times))
    rows, _ = decode(text, period=timedelta(minutes=30))
    offsets = [str(row.time)[11:16] + str(row.time)[19:22] for row in rows]
    assert offsets == ["01:30+02", "02:00+02", "02:30+02"] + [
        *("02:00+01", "02:30+01", "03:00+01")
    ]


# --- headers, times, flags ---------------------------------------------------


def test_a_profile_over_the_end_of_summer() -> None:
    expected = [
        "27 01:30 +0200 1",
        "27 02:00 +0200 2",
        "27 02:30 +0200 3",
        "27 02:00 +0100 4",
        "27 02:30 +0100 5",
    ]
    one = head("1241027013000", period="30") + lines("1", "2", "3", "4", "5")
    assert short(decode(one)[0]) == expected
    two = head("1241027013000", period="30") + lines("1", "2", "3", "4")
    two += head("0241027023000", period="30", status="08") + lines("5")
    rows, decoder = decode(two)
    assert short(rows) == [*expected[:4], expected[4] + " 0x08 season-change"]
    assert not decoder.continuity.gaps and not decoder.continuity.overlaps
    # headers without season digits: the row before tells the hours apart
    each = "".join(
        head(f"241027{time}00", period="30") + lines(str(number))
        for number, time in enumerate(("0130", "0200", "0230", "0200", "0230"), 1)
    )
    assert short(decode(each)[0]) == expected
    rows, decoder = decode(two.replace("(1241", "(241").replace("(0241", "(241"))
    assert short(rows)[:4] == expected[:4]
    assert short(rows)[4] == expected[4] + " 0x08 season-change"
    assert not decoder.continuity.gaps


def test_a_profile_over_the_beginning_of_summer() -> None:
    expected = [
        "31 01:30 +0100 1",
        "31 03:00 +0200 2",
        "31 03:30 +0200 3",
    ]
    one = head("0240331013000", period="30") + lines("1", "2", "3")
    assert short(decode(one)[0]) == expected
    for stamp in ("1240331030000", "0240331020000", "240331030000"):
        two = head("0240331013000", period="30") + lines("1")
        two += head(stamp, period="30") + lines("2", "3")
        rows, decoder = decode(two)
        assert short(rows) == expected
        assert not decoder.continuity.gaps and not decoder.continuity.overlaps


def test_clocks() -> None:
    text = head("0240601001500") + lines("1")
    for clock, expected in {
        "local": "01 01:15 +0200 1",
        "standard": "01 00:15 +0100 1",
        "utc": "01 00:15 +0000 1",
        "+05:30": "01 00:15 +0530 1",
    }.items():
        assert short(decode(text, clock=clock)[0]) == [expected]
    fixed = ProfileDecoder(timezone(timedelta(hours=3)))
    assert short(fixed.feed(text)) == ["01 00:15 +0300 1"]
    with pytest.raises(ValueError, match="no such clock"):
        ProfileDecoder(BERLIN, "winter")


def test_power_failure() -> None:
    text = head("1240601001500") + lines("1", "2")
    text += head("1240601003700", status="80") + lines("0.5")
    text += head("1240601020000", status="40") + lines("3", "4")
    rows, decoder = decode(text)
    assert short(rows) == [
        "01 00:15 +0200 1",
        "01 00:30 +0200 2",
        "01 00:37 +0200 0.5 0x80 power-failure",
        "01 02:00 +0200 3 0x40 power-return",
        "01 02:15 +0200 4",
    ]
    start, end = (row.time for row in rows[2:4])
    assert decoder.continuity.gaps == [Gap(start, end, 5, "P.01")]


def test_states_last_and_tables_have_names() -> None:
    text = head("1240601001500", status="00000042") + lines("1", "2")
    assert [row.flags for row in decode(text)[0]] == [
        ("0x00000042", "clock-invalid", "power-return"),
        ("0x00000042", "clock-invalid"),
    ]
    assert decode(text, table="dlms")[0][0].flags[1:] == ("clock-invalid", "0x40")
    with pytest.raises(ValueError, match="no status table"):
        ProfileDecoder(table="none")


def test_gap_and_overlap() -> None:
    text = head("1240601001500") + lines("1", "2")
    text += head("1240601011500") + lines("3", "4", "5")
    text += head("1240601013000", status="20") + lines("4", "7", "8")
    rows, decoder = decode(text)
    assert short(rows) == [
        "01 00:15 +0200 1",
        "01 00:30 +0200 2",
        "01 01:15 +0200 3",
        "01 01:30 +0200 4",
        "01 01:45 +0200 5",
        "01 01:45 +0200 7 overlap",
        "01 02:00 +0200 8",
    ]
    half_past, quarter_past, quarter_to = (rows[at].time for at in (1, 2, 4))
    assert decoder.continuity.gaps == [Gap(half_past, quarter_past, 2, "P.01")]
    assert decoder.continuity.overlaps == [Overlap(quarter_to, quarter_to, "P.01")]
    assert decoder.continuity.repeated == 1 and decoder.rows == 8


def test_chunks_share_their_borders() -> None:
    whole = head("1240601000000") + lines(*map(str, range(300)))
    decoder = ProfileDecoder(BERLIN)
    rows = decoder.feed(head("1240601000000") + lines(*map(str, range(97))))
    rows += decoder.finish()
    rows += decoder.feed(head("1240602000000") + lines(*map(str, range(96, 193))))
    rows += decoder.finish()
    rows += decoder.feed(head("1240603000000") + lines(*map(str, range(192, 300))))
    rows += decoder.finish()
    assert rows == decode(whole)[0]
    assert decoder.continuity.repeated == 2 and decoder.complete
    # and over several decoders
    course = Continuity()
    for text in (whole, whole):
        rows, decoder = decode(text, continuity=course)
    assert not rows and decoder.rows == 300 and course.repeated == 300


def test_r6_header_of_each_block_has_its_own_time() -> None:
    text = "".join(
        head(f"12406010{hour}1500") + lines(*map(str, range(4 * hour, 4 * hour + 4)))
        for hour in range(10)
    )
    expected = head("1240601001500") + lines(*map(str, range(40)))
    assert decode(text)[0] == decode(expected)[0]


def test_r6_header_comes_again_word_for_word() -> None:
    header = head("1240601001500")
    blocks = [header + lines(*map(str, range(at, at + 3))) for at in range(0, 12, 3)]
    expected = decode(header + lines(*map(str, range(12))))[0]
    for partial in (None, True):
        rows, decoder = decode("".join(blocks), partial=partial)
        assert rows == expected and decoder.complete
    rows, _ = decode("".join(blocks), partial=False)
    assert [row.flags for row in rows] == [()] * 3 + [("overlap",)] * 9
    # the whole answer again
    rows, decoder = decode((header + lines("1", "2")) * 2)
    assert len(rows) == 2 and decoder.continuity.repeated == 2
    # rows that do not tell: only who asked knows
    night = [header + lines("0", "0")] * 3
    assert len(decode("".join(night), partial=True)[0]) == 6
    assert len(decode("".join(night))[0]) == 2


def test_blocks_cut_anywhere() -> None:
    """5.7: a data set may be cut at a block border."""
    expected = decode(T18)[0]
    for size in (1, 2, 7, 60):
        decoder = ProfileDecoder(BERLIN)
        rows = []
        for at in range(0, len(T18), size):
            rows += decoder.feed(T18[at : at + size].encode())
        assert rows + decoder.finish() == expected
        assert list(ProfileDecoder(BERLIN).stream([T18[:9], T18[9:]])) == expected
    # blocks without a line end at their end
    text = T18.replace("\r\nP.01(12406010045", "P.01(12406010045")
    assert decode(text.replace(")\r\n(0.398", ")(0.398"))[0] == expected


# --- trouble -----------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "\r\n", "P.01()", "P.01(ERROR)\r\n", "(ERROR)"])
@pytest.mark.parametrize("more", ["", "\r\n"])
def test_nothing_in_the_interval(text: str, more: str) -> None:
    rows, decoder = decode(text + more)
    assert not rows and decoder.complete and not decoder.refusal
    assert decoder.outcome is Outcome.EMPTY and decoder.error() is None


@pytest.mark.parametrize("text", ["P.01(ERROR11)", "(ER07)\r\n", "P.01(ERR_7)"])
def test_refused(text: str) -> None:
    rows, decoder = decode(text)
    assert not rows and decoder.outcome is Outcome.REFUSED
    assert decoder.refusal in text


def test_a_header_alone_is_an_empty_interval() -> None:
    assert decode(head("1240601001500"))[1].outcome is Outcome.EMPTY


@pytest.mark.parametrize("length", range(len(T18)))
def test_an_answer_cut_in_the_middle(length: int) -> None:
    whole = decode(T18)[0]
    rows, decoder = decode(T18[:length])
    assert rows == whole[: len(rows)] and len(rows) % 2 == 0
    # each row that is whole in the text is there
    bodies = (match.end() for match in re.finditer(r"^\(\S*?\)\(\S*?\)", T18, re.M))
    assert len(rows) == 2 * sum(end <= length for end in bodies)
    inside = T18[:length].count("(") != T18[:length].count(")")
    if inside:
        assert not decoder.complete
        assert isinstance(decoder.error(), RemoteProtocolError)


@pytest.mark.parametrize(
    "text", ["(1)(2)(3)", "(1)(2)(3)\r\n", "(1)(2)(3)(4", "(1)(2)("]
)
def test_a_row_cut_in_the_middle(text: str) -> None:
    rows, decoder = decode(head("1240601001500", "1.5.0", "2.5.0") + text)
    assert short(rows) in ([], ["01 00:15 +0200 1 2"])
    assert not decoder.complete


def test_whole_rows_of_a_cut_line_are_kept() -> None:
    header = head("1240601001500", "1.5.0", "2.5.0")
    rows, decoder = decode(header + "(1)(2)(3)(4)(5")
    assert short(rows) == ["01 00:15 +0200 1 2", "01 00:30 +0200 3 4"]
    assert not decoder.complete
    rows, decoder = decode(header + lines("1 2", "3") + header + lines("1 2"))
    assert short(rows) == ["01 00:15 +0200 1 2"]
    assert "another length" in str(decoder.error())


def test_rows_come_with_their_line_end() -> None:
    for end in ("\r\n", "\r", "\n"):
        decoder = ProfileDecoder(BERLIN)
        decoder.feed(head("1240601001500").replace("\r\n", end))
        assert len(decoder.feed(f"(1){end}(2){end}(3)")) == 2
        assert len(decoder.finish()) == 1


def test_an_answer_without_its_end() -> None:
    decoder = ProfileDecoder(BERLIN)
    decoder.feed(T18)
    decoder.finish(ended=False)
    assert not decoder.complete and decoder.outcome is Outcome.ROWS
    assert "breaks off" in str(decoder.error())
    empty = ProfileDecoder(BERLIN)
    empty.finish(ended=False)
    assert empty.outcome is Outcome.DAMAGED


@pytest.mark.parametrize("wrong", ["7 8 9", "7 8 9 10 11", "7"])
def test_rows_of_another_length(wrong: str) -> None:
    text = head("1240601001500", "1.5.0", "2.5.0") + lines("1 2", wrong)
    text += lines("5 6", "5 6")
    text += head("1240601013000", "1.5.0", "2.5.0") + lines("3 4")
    rows, decoder = decode(text)
    assert short(rows)[0] == "01 00:15 +0200 1 2"
    assert short(rows)[-1] == "01 01:30 +0200 3 4"
    assert len(rows) == 4
    assert not decoder.complete
    error = decoder.error()
    assert "header announces 2 channels, a row has another length" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        head("1240601001500", "1.5.0", number="2") + lines("1", "2"),
        head("1240601001500", number="x") + lines("1"),
        head("1240601001500", number="999") + lines("1"),
        head("1240631001500") + lines("1"),
        head("1240601001500", period="soon") + lines("1"),
        head("1240601001500", period="999999") + lines("1"),
        head("1240601001500", number="0") + lines("1"),
        "P.01(1240601001500)(00)(15)\r\n" + head("1240601001500"),
        "P.01(1240601001500)(00)\r\n",
        "P.01(hello)(00)(15)\r\n",
        "(1)(2)\r\n(3)\r\n",
        "(24-13-01,00:00)(1)\r\n",
        "(24-06-01,00:00)\r\n(24-06-01,00:15)(1)\r\n",
        head("1240601001500") + "(1\r\n(2)\r\n",
        head("1240601001500") + "1)\r\n(2)\r\n",
    ],
)
def test_what_is_in_doubt_is_left_out_and_named(text: str) -> None:
    rows, decoder = decode(text)
    assert all(row.raw == "1" and "00:15" in str(row.time) for row in rows)
    assert not decoder.complete and decoder.problems
    assert isinstance(decoder.error(), RemoteProtocolError)


def test_a_damaged_line_does_not_shift_the_rows_below() -> None:
    text = head("1240601001500") + "(1)\r\n(2\r\n(3)\r\n"
    rows, decoder = decode(text + head("1240601010000") + "(4)\r\n")
    assert short(rows) == ["01 00:15 +0200 1", "01 01:00 +0200 4"]
    assert decoder.text == ["(3)"]
    assert decoder.problems[0].message == "line is damaged"


def test_other_data_sets_are_kept_as_text() -> None:
    text = "F.F(00)\r\n(1)\r\n" + T18 + "0.0.0(123)\r\nhello\r\n"
    rows, decoder = decode(text)
    assert len(rows) == 8 and decoder.complete
    assert decoder.text == ["F.F(00)", "(1)", "0.0.0(123)", "hello"]


def test_times_beyond_the_calendar() -> None:
    text = head("1991231001500", period=str(366 * 1440))
    rows, decoder = decode(text + lines(*["1"] * 400))
    assert not decoder.complete
    assert decoder.problems[0].message == "rows go beyond the calendar"
    assert all(row.time.year < 2300 for row in rows)


# --- data sets ---------------------------------------------------------------


def test_data_sets_of_a_frame() -> None:
    body = T18.encode() + b"\x03"
    decoder = TelegramDecoder()
    telegrams = decoder.feed(b"\x02" + body + bytes([bcc_xor(body)]))
    (telegram,) = telegrams + decoder.finish()
    profile = ProfileDecoder(BERLIN)
    rows = profile.feed_data_sets(telegram.data_sets) + profile.finish()
    assert rows == decode(T18)[0]
    streamed = ProfileDecoder(BERLIN).stream_data_sets(telegram.data_sets)
    assert list(streamed) == rows


def test_unchecked_and_malformed_are_said() -> None:
    decoder = ProfileDecoder(BERLIN)
    header = "(1240601001500)(20)(15)(1)(1.5.0)(kW)"
    rows = decoder.feed_data_sets(
        [
            DataSet("P.01", header, checked=False),
            DataSet("", "(1)", checked=False),
            DataSet("", "(2)", checked=True),
            DataSet("", "(\x013)", malformed=True, checked=True),
            DataSet("", "(4)", checked=True),
        ]
    )
    assert [row.flags for row in rows] == [
        ("0x20", "clock-set", "unchecked"),
        (),
        ("malformed",),
        (),
    ]
    assert rows[2].value == "\x013"
    unchecked = ProfileDecoder(BERLIN)
    rows = unchecked.feed(T18, checked=False)
    assert all("unchecked" in row.flags for row in rows)


# --- rows of any origin ------------------------------------------------------


def test_follow() -> None:
    rows = decode(T18)[0]
    again = [*rows, *rows[-4:-2], *rows[:1], rows[1]._replace(raw="9")]
    course = Continuity()
    found = list(follow(again, timedelta(minutes=15), course))
    assert found[:8] == rows
    assert [row.flags for row in found[8:]] == [("overlap",)] * 2
    assert course.repeated == 1 and len(course.overlaps) == 1
    hours = Continuity()
    list(follow(rows[:2] + rows[-2:], timedelta(minutes=15), hours))
    assert [gap.missing for gap in hours.gaps] == [2]


# --- any text ----------------------------------------------------------------


def profile(seed: int) -> str:
    """A long profile with headers, splits, empty values and repeats of any kind."""
    chance = random.Random(seed)
    minutes = chance.choice((5, 15, 60))
    time = datetime(2024, 10, 26, 20)
    text = ""
    for _ in range(chance.randrange(1, 6)):
        size = chance.randrange(1, 9)
        split = chance.randrange(1, size + 1)
        end = chance.choice(("\r\n", "\n", "\r"))
        codes = [f"{n}.5.0" for n in range(1, size + 1)]
        status = chance.choice(("00", "20", "02", "80"))
        text += head(
            f"1{time:%y%m%d%H%M%S}", *codes, status=status, period=str(minutes)
        )
        count = chance.randrange(0, 90)
        odd = chance.choice((0, 0, 0.02, 0.5))
        for _ in range(count):
            values = [
                chance.choice(("", "---", "1,5", " 2", "1E5", "0.412*kW", "-1", "+1.5"))
                if chance.random() < odd
                else f"{chance.randrange(100000) / 1000:07.3f}"
                for _ in codes
            ]
            for at in range(0, size, split):
                part = values[at : at + split]
                text += "".join(f"({value})" for value in part) + end
        time += timedelta(minutes=minutes) * (count + chance.choice((-9, 0, 0, 0, 3)))
    return text


@pytest.mark.parametrize("seed", range(150))
def test_the_quick_way_and_the_long_way_agree(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = profile(seed)
    rows, quick = decode(text)
    pieces = list(ProfileDecoder(BERLIN).stream([text]))
    monkeypatch.setattr(loadprofile, "_pattern", lambda layout: re.compile("(?!)"))
    slow_rows, slow = decode(text)
    assert rows == slow_rows == pieces
    assert [str(row.value) for row in rows] == [str(row.value) for row in slow_rows]
    assert quick.continuity.gaps == slow.continuity.gaps
    assert quick.continuity.overlaps == slow.continuity.overlaps
    assert (quick.rows, quick.problems) == (slow.rows, slow.problems)
    assert quick.continuity.repeated == slow.continuity.repeated


def test_the_quick_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    text = head("0240101001500", "1.5.0", "2.5.0") + lines(*["1.5 2.5"] * 4998)
    text += "()(---)\r\n(-1.5)(---)\r\n"

    def slow(*_: object) -> None:
        raise AssertionError("the long way")

    decoder = ProfileDecoder(BERLIN)
    rows = decoder.feed(text[: 2000 - 1])
    monkeypatch.setattr(ProfileDecoder, "_take", slow)
    rows += decoder.feed(text[2000 - 1 :]) + decoder.finish()
    assert len(rows) == 10000 and decoder.complete


TOKENS = st.sampled_from(
    ["P.01", "(", ")", "(1)", "(1.5)", "(15)", "(2)", "()", "\r\n", "\n", "(ERROR)"]
    + ["(1240601001500)", "(00)", "(1.5.0)", "(kW)", "(24-06-01,00:15)", "(1,2)", "!"]
    + [head("1240601001500"), head("1241027013000", "1", "2"), "(1)(2)\r\n", " ", "x"]
    + ["\x00", "\x01", "é", "(" * 3, ")" * 3, "*", ",", "0.0.0", "(0)", "1-0:P.01*255"]
)
TEXTS = st.lists(TOKENS | st.text(max_size=4), max_size=40).map("".join)


@settings(max_examples=400)
@given(TEXTS, st.integers(1, 9))
def test_any_text_in_any_pieces(text: str, size: int) -> None:
    rows, decoder = decode(text)
    other = ProfileDecoder(BERLIN)
    pieces = []
    for at in range(0, len(text), size):
        pieces += other.feed(text[at : at + size])
    pieces += other.finish()
    assert pieces == rows
    assert (other.problems, other.outcome) == (decoder.problems, decoder.outcome)
    assert all(row.time.tzinfo is not None for row in rows)
    assert (decoder.error() is None) == decoder.complete


@settings(max_examples=200)
@given(
    st.binary(max_size=200) | TEXTS.map(lambda text: text.encode("latin-1", "replace"))
)
def test_any_bytes_as_data_sets(data: bytes) -> None:
    telegrams = TelegramDecoder()
    found = telegrams.feed(data) + telegrams.finish()
    decoder = ProfileDecoder()
    for telegram in found:
        decoder.feed_data_sets(telegram.data_sets)
    decoder.finish()
    decoder.feed(data)
    decoder.finish()
