"""Other tools' log files as histories.

read_histories(path)             every history of a file, or an InputError with all of its faults
history_from_mapping(mapping)    one history from an object with the names of an input file
"""

from tuner.importers.files import read_histories
from tuner.importers.mapping import history_from_mapping

__all__ = ["history_from_mapping", "read_histories"]
