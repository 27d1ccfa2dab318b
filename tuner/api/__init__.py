"""The public Python API: joins sweep files, launching, tracking and reporting, for notebooks and the command line."""
