"""The sweep's brain, without ray: events in, decisions and journal lines out. Deterministic."""
