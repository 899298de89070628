"""The admin's pages for the catalog, its grants, and what serves it."""

from embeddings.admin import catalog

__all__ = ["catalog"]
