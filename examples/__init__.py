"""Your own code in a sweep, small enough to run in a minute: docs/your_own_code.md walks through it."""
