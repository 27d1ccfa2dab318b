"""Other tools' log files as histories.

read_histories(path)             every history of a file or folder, or an InputError with all of its faults
history_from_mapping(mapping)    one history from an object with the names of an input file
event_folders(folder)            the folders below it that hold TensorBoard's event files
history_of(StepLog(...))         one history from values that were logged at steps, and the reasons where it is none
"""

from tuner.importers.files import read_histories
from tuner.importers.mapping import history_from_mapping
from tuner.importers.step_log import StepLog, history_of
from tuner.importers.tensorboard import event_folders

__all__ = ["StepLog", "event_folders", "history_from_mapping", "history_of", "read_histories"]
