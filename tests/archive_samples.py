"""Records of archives as lis200.md 14.7 to 14.11 has them, and a device made of them.

``FakeDevice`` is a session that answers from lists: rows in a range of any column, in
partial blocks, and whatever error or silence a test wants before a block.
"""

from collections.abc import Iterator
from decimal import Decimal

from iecread.errors import IecReadError
from iecread.lis200.errors import Lis200Refused
from iecread.lis200.values import brackets
from iecread.protocol.messages import Command

PERIOD = brackets(
    "(GONo)(AONo)(Time)(Vb)(VbT)(Vm)(VmT)(p.MP)(T.MP)(K.MP)(C.MP)(St.2)(St.4)(St.7)"
    "(St.6)(StSy)(Er)(Check)"
)
UNITS = brackets("()()()(m3)(m3)(m3)(m3)( bar)({C)()()()()()()()()()")
ROW = (
    "(2101)(1507)(2024-03-01,07:00:00)(4698.1)(4711.815)(1880.5)(1893)(2.5134)(11.42)"
    "(0.9951)(2.6042)(0)(0)(0)(0)(13;15)(0x8104)(CRC Ok)"
)
BK_DAY = brackets(
    "(AONo)(GONo)(Time)(Vc)(VcO)(Vp)(VpO)(TaverD)(PpodAvI)(KAvI)(KkorAvD)(QcAvD)"
    "(SysSt)(St1)(St2)(St3)(St4)(St5)(St6)(St7)(St8)(St9)(EventCode)"
)
BK_ROW = brackets(
    "(31)(905)(2024-03-01,10:00:00)(798.2201)(798.2201)(812.4075)(812.4075)(15.21)"
    "(101325.0000)(1.0000)(0.9825)(0.4210)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0x8103)"
    "(CRC Ok)"
)

LOG = brackets("(GONo)(AONo)(Time)(Er)(Check)")


def log(number: int, time: str, event: str = "0x3C02", check: str = "CRC Ok") -> str:
    """A record of a log; GONo is twice the number and ten."""
    return f"({2 * number + 10})({number})({time})({event})({check})"


class FakeDevice:
    """An open session with a device that has one archive.

    Args:
        names: attribute 2.
        rows: the records as text, in the order in which they were written.
        units: attribute 3; None: refused.
        sources: attribute 4; None: refused.
        archive: its number.
        type_text: 1:181.

    Attributes:
        asked: the commands that came, as text.
        trouble: what is raised before the block with this number, counted over all
            answers; or text that is sent in place of it.
        acknowledged: for each answer whether its last block was.
    """

    def __init__(
        self,
        names: list[str],
        rows: list[str],
        units: list[str] | None = None,
        sources: list[str] | None = None,
        archive: int = 4,
        type_text: str = "EK260",
    ) -> None:
        self.rows = rows
        self.asked: list[str] = []
        self.trouble: dict[int, IecReadError | str] = {}
        self.acknowledged: list[bool] = []
        self.type_text = type_text
        self._headers = {"2": names, "3": units, "4": sources}
        self._archive = archive
        self._blocks = 0

    @property
    def is_bk(self) -> bool:
        return self.type_text.startswith("BK")

    def ask(self, command: Command) -> str:
        text = (command.text or b"").decode()
        self.asked.append(f"{command.name} {text}")
        head, _, operand = text[:-1].partition("(")
        archive, _, attribute = head.partition(":V.")
        if int(archive) != self._archive:
            raise Lis200Refused(100, head)
        if attribute == "A":
            rows = self._range(operand)
            return f"({len(rows)})"
        header = self._headers.get(attribute)
        if header is None:
            raise Lis200Refused(4, head)
        return "".join(f"({content})" for content in header)

    def blocks(self, command: Command, *, ack_last: bool = False) -> Iterator[str]:
        text = (command.text or b"").decode()
        self.asked.append(f"{command.name} {text}")
        rows = self._range(text[:-1].partition("(")[2])
        size = int(text[:-1].rpartition(";")[2])
        for at in range(0, len(rows), size):
            self._blocks += 1
            trouble = self.trouble.pop(self._blocks, None)
            if isinstance(trouble, str):
                yield trouble
                return
            if trouble is not None:
                raise trouble
            yield "\r\n".join(rows[at : at + size])
        self.acknowledged.append(ack_last)

    def _range(self, operand: str) -> list[str]:
        position, lower, upper, _ = operand.split(";")
        at = int(position or 1) - 1

        def key(row: str) -> tuple[int, object]:
            content = brackets(row)[at]
            return _order(content)

        if at >= len(brackets(self.rows[0])):
            raise Lis200Refused(101, operand)
        found = [
            row
            for row in self.rows
            if (not lower or key(row) >= _order(lower))
            and (not upper or key(row) <= _order(upper))
        ]
        if not found:
            raise Lis200Refused(103, operand)
        return found


def _order(content: str) -> tuple[int, object]:
    try:
        return 0, Decimal(content)
    except ArithmeticError:
        return 1, content
