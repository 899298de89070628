"""The product: wire dialects, one pipeline, one engine."""
