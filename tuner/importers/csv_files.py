"""CSV with one row an epoch and an `id` column for many histories; and which other tool wrote a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain

from tuner.errors import Fault
from tuner.importers import keras, lightning
from tuner.importers.names import curve_name, logged_names
from tuner.importers.rows import gather
from tuner.records.history import History


def read(text: str, name: str) -> tuple[list[History], list[Fault]]:
    head = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [column.strip() for column in next(reader)]
    if not any(curve_name(column) for column in header) and not logged_names(header):
        cure = (
            "the first line has to name the columns, `train_loss` or `val_loss` among them; read are JSON, JSON lines, "
            "CSV, and what TensorBoard, Lightning, Hugging Face and Keras write"
        )
        return [], [Fault("columns", ", ".join(header)[:80], cure, 1)]
    faults: list[Fault] = []

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                cure = f"has {len(cells)} cells where the first line names {len(header)} columns"
                faults.append(Fault("row", None, cure, reader.line_num))
                continue
            yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))

    numbered = rows()
    first = next(numbered, None)
    every = numbered if first is None else chain([first], numbered)
    if first is not None and lightning.recognises(header):
        histories, own = lightning.read(header, every, name)
    elif first is not None and keras.recognises_header(header, first[1]):
        histories, own = keras.read_rows(every, name)
    else:
        histories, own = gather(every, name, empty_is_unknown=True)
    return histories, faults + own
