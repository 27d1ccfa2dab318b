"""Whether the model got better or worse: tonight's figures beside those of the comparable nights. numpy alone."""
