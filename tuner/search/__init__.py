"""Searchers say what to try next, schedulers who goes on; each kind behind one small interface."""
