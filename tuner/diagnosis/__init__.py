"""Loss curves in, what is wrong with them out, with evidence and remedies. numpy alone.

diagnose(histories)        what each history shows, batch-wise
doomed(history)            is this running trial surely lost?
diagnose_sweep(record)     what a whole sweep shows
"""

from tuner.diagnosis.doomed import doomed
from tuner.diagnosis.engine import diagnose
from tuner.diagnosis.sweep import diagnose_sweep

__all__ = ["diagnose", "diagnose_sweep", "doomed"]
