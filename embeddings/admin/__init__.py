"""The admin's pages for the catalog, its grants, and what serves it."""

from embeddings.admin import catalog, downloads, pool, providers, tasks, usage

__all__ = ["catalog", "downloads", "pool", "providers", "tasks", "usage"]
