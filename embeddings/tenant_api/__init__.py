"""The tenant's own API: what it may use, what it used, and its keys."""
