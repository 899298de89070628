"""Schema history; old code must run on the newer schema."""
