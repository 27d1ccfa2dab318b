"""The frozen records that cross rooms, the journal, and the run directory's files."""
