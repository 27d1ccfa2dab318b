"""The catalogue's models. Each file has `build(task, **parameters) -> Module`, as a user's own would."""
