"""Drivers of the controller: Ray Tune, and one process without ray. Ray is imported in here alone."""
