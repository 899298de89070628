"""One table of speed, measured in one run: the engine, its server, and others."""
