"""What was stored: rows of a CSV and of a database, text in a file that grows."""

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from iecread.output.sink import Sink

HEADER = "time,value\n"


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def select(file: Path, query: str = "SELECT * FROM readings") -> list[Any]:
    """What a query finds in a database."""
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchall()


def append(path: Path, text: str, header: str = HEADER) -> Sink:
    """Add text to a file."""
    with Sink(str(path), append=True, header=header) as sink:
        sink.write(text)
    return sink


def names(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir())
