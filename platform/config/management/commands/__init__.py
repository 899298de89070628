"""One file per command; each calls one function and prints its answer."""
