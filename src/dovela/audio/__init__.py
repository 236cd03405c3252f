"""Sound in: clips from arrays and files, padded and normalised for a model."""
