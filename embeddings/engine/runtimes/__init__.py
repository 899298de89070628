"""Runtimes, one module each: token batches to hidden states."""
