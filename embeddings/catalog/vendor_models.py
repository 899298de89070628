"""What vendors say of their best-known models, so that nobody types it in."""

from dataclasses import dataclass

_OPENAI = frozenset({"openai", "azure"})
_COHERE = frozenset({"cohere"})
_GOOGLE = frozenset({"google"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorModel:
    """One vendor's model: `name` there, and what one text and one call may hold.

    `matryoshka_min` and `matryoshka_sizes` are as in the catalog, `max_texts` is the
    vendor's limit of one call, which larger requests are split by.
    """

    kinds: frozenset[str]
    name: str
    dimensions: int
    max_tokens: int
    max_texts: int
    matryoshka_min: int | None = None
    matryoshka_sizes: tuple[int, ...] = ()

    def smaller_than(self, dimensions: int) -> tuple[int, ...]:
        """The sizes that may be asked for besides vectors of this length."""
        return tuple(size for size in self.matryoshka_sizes if size < dimensions)

    def offers(self, dimensions: int) -> bool:
        """Whether vectors of this length can be had."""
        if dimensions == self.dimensions or dimensions in self.matryoshka_sizes:
            return True
        least = self.matryoshka_min
        return least is not None and least <= dimensions < self.dimensions


#: As documented by the vendors in November 2026. On Azure a deployment has a name of
#: its own, which is the model's unless somebody chose another.
VENDOR_MODELS = (
    VendorModel(
        kinds=_OPENAI,
        name="text-embedding-3-small",
        dimensions=1536,
        matryoshka_min=1,
        max_tokens=8192,
        max_texts=2048,
    ),
    VendorModel(
        kinds=_OPENAI,
        name="text-embedding-3-large",
        dimensions=3072,
        matryoshka_min=1,
        max_tokens=8192,
        max_texts=2048,
    ),
    VendorModel(
        kinds=_OPENAI,
        name="text-embedding-ada-002",
        dimensions=1536,
        max_tokens=8192,
        max_texts=2048,
    ),
    VendorModel(
        kinds=_COHERE,
        name="embed-v4.0",
        dimensions=1536,
        matryoshka_sizes=(256, 512, 1024),
        max_tokens=128_000,
        max_texts=96,
    ),
    *(
        VendorModel(
            kinds=_COHERE,
            name=name,
            dimensions=dimensions,
            max_tokens=512,
            max_texts=96,
        )
        for name, dimensions in (
            ("embed-english-v3.0", 1024),
            ("embed-multilingual-v3.0", 1024),
            ("embed-english-light-v3.0", 384),
            ("embed-multilingual-light-v3.0", 384),
        )
    ),
    VendorModel(
        kinds=_GOOGLE,
        name="gemini-embedding-001",
        dimensions=3072,
        matryoshka_min=128,
        max_tokens=2048,
        max_texts=100,
    ),
)


def vendor_model(kind: str, name: str) -> VendorModel | None:
    """What is known of a model of this kind of provider, if anything."""
    return next((known for known in models_of(kind) if known.name == name), None)


def models_of(kind: str) -> tuple[VendorModel, ...]:
    """The well-known models of a kind of provider."""
    return tuple(known for known in VENDOR_MODELS if kind in known.kinds)
