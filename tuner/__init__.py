"""Tune any PyTorch model, and be told why each trial went wrong and what to try next."""
