"""`tuner schema`: the JSON Schema of sweep files, for editors."""

from __future__ import annotations

import json


def command() -> None:
    """Print the JSON Schema of sweep files, so that editors complete and check them."""
    from tuner.sweep import json_schema
    from tuner.training.catalogue import CATALOGUE

    print(json.dumps(json_schema(CATALOGUE), indent=1))
