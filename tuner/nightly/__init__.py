"""A sweep every night: its lock, its control trials' verdict, what changed, whom it tells."""
