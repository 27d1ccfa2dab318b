"""Tasks, models, optimizers, schedules, losses, the loop and its checkpoints.

Torch is imported by the modules that build or train; `catalogue`, `plan`, `data` and `signature` do without it, so that
a sweep file is checked, and a driver runs, without the seconds that importing torch takes.
"""
