"""The model catalog at work: what ships, where it lies, who finds what."""
