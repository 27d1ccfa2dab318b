"""Callbacks that make other libraries' trainers report to a trial: `tuner.LightningReport`, `tuner.TransformersReport`.

Each module here imports its library, so none is imported before its name is used.
"""
