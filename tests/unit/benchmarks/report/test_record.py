"""The schema of records: it changes on purpose only."""

from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.report.record import SCHEMA, Record

FIXTURES = Path(__file__).parents[3] / "fixtures" / "bench"


def test_the_schema_is_the_one_written_down() -> None:
    """A deliberate change writes the file anew, and says in the docs what a reader must know."""
    golden = msgspec.json.decode((FIXTURES / "record.schema.json").read_bytes())

    assert aligned(
        msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Record)))
    ) == aligned(golden)


def aligned(schema: dict[str, Any]) -> dict[str, Any]:
    """Take the indentation out of descriptions: docstrings lose theirs from Python 3.13 on."""
    for each in schema["$defs"].values():
        if "description" in each:
            each["description"] = cleandoc(each["description"])
    return schema


def test_a_file_of_the_first_schema_reads_as_it_did() -> None:
    record = msgspec.json.decode((FIXTURES / "record-1.json").read_bytes(), type=Record)

    assert (record.schema, SCHEMA) == (1, 1)
    assert record.effects[0].added == 0.54
    assert record.blocks[1].rejected == "the client waited for a CPU"
