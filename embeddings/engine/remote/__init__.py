"""Calls to other people's servers: guarded, bounded, queued, tried again."""
