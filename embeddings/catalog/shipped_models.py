"""The models that ship with the platform, and the names users already call them by.

Sources: the models' own folders and cards. Weights that are not on a machine's disk are
fetched by an operator; the rows are there to be granted before that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embeddings.models import Outputs

VERBATIM = "{instruction}{text}"
SEARCH = "Represent this sentence for searching relevant passages: "
WEB_SEARCH = (
    "Given a web search query, retrieve relevant passages that answer the query"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedModel:
    """A catalog row as it ships, column by column; operators may edit theirs."""

    name: str
    source: str
    owner: str
    dimensions: int
    max_tokens: int
    context_tokens: int | None = None
    family: str = "encoder"
    output: Outputs = Outputs.DENSE
    prompts: Mapping[str, str] = field(default_factory=dict)
    instruction_template: str = ""
    include_prompt: bool = True
    matryoshka_min: int | None = None
    matryoshka_sizes: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()


def _hub(source: str, *, aliases: tuple[str, ...] = (), **facts: Any) -> ShippedModel:
    """A model that goes by its hub id, and by the id's last part."""
    owner, _, short = source.partition("/")
    names = (short, *aliases)
    return ShippedModel(name=source, source=source, owner=owner, aliases=names, **facts)


def _e5(size: str, dimensions: int, *aliases: str) -> ShippedModel:
    return _hub(
        f"intfloat/multilingual-e5-{size}",
        dimensions=dimensions,
        max_tokens=512,
        prompts={"query": "query: ", "document": "passage: "},
        instruction_template=VERBATIM,
        aliases=aliases,
    )


def _bge(size: str, dimensions: int, *aliases: str) -> ShippedModel:
    return _hub(
        f"BAAI/bge-{size}-en-v1.5",
        dimensions=dimensions,
        max_tokens=512,
        prompts={"query": SEARCH},
        instruction_template=VERBATIM,
        aliases=aliases,
    )


def _splade(source: str) -> ShippedModel:
    return _hub(
        source,
        family="splade",
        output=Outputs.SPARSE,
        dimensions=30_522,
        max_tokens=512,
    )


def _instructor(size: str) -> ShippedModel:
    return _hub(
        f"hkunlp/instructor-{size}",
        family="instructor",
        dimensions=768,
        max_tokens=512,
        instruction_template=VERBATIM,
        include_prompt=False,
    )


SHIPPED = (
    ShippedModel(
        name="all-MiniLM-L6-v2",
        source="sentence-transformers/all-MiniLM-L6-v2",
        owner="sentence-transformers",
        dimensions=384,
        max_tokens=256,
        context_tokens=512,
        aliases=(
            "all-minilm",
            "all-minilm:22m",
            "all-minilm:l6-v2",
            "sentence-transformers/all-MiniLM-L6-v2",
            "chroma/all-minilm-l6-v2-f32",
            "tazarov/all-minilm-l6-v2-f32",
        ),
    ),
    ShippedModel(
        name="Chroma/BM25",
        source="Chroma/BM25",
        owner="chroma",
        family="bm25",
        output=Outputs.SPARSE,
        dimensions=2**31 - 1,
        max_tokens=65_536,
        aliases=("bm25",),
    ),
    _hub(
        "sentence-transformers/all-mpnet-base-v2",
        dimensions=768,
        max_tokens=384,
        context_tokens=512,
    ),
    _hub(
        "Qwen/Qwen3-Embedding-0.6B",
        dimensions=1024,
        max_tokens=8192,
        context_tokens=32_768,
        prompts={"query": f"Instruct: {WEB_SEARCH}\nQuery:", "document": ""},
        instruction_template="Instruct: {instruction}\nQuery:{text}",
        matryoshka_min=32,
        aliases=("qwen3-embedding", "qwen3-embedding:0.6b"),
    ),
    _hub(
        "BAAI/bge-m3",
        family="bge_m3",
        output=Outputs.BOTH,
        dimensions=1024,
        max_tokens=8192,
        aliases=("bge-m3:567m",),
    ),
    _splade("prithivida/Splade_PP_en_v1"),
    _splade("naver/efficient-splade-VI-BT-large-doc"),
    _splade("naver/efficient-splade-VI-BT-large-query"),
    _instructor("base"),
    _instructor("large"),
    _instructor("xl"),
    _e5("small", 384),
    _e5("base", 768),
    _e5("large", 1024),
    _hub(
        "intfloat/multilingual-e5-large-instruct",
        dimensions=1024,
        max_tokens=512,
        instruction_template="Instruct: {instruction}\nQuery: {text}",
    ),
    _bge("small", 384),
    _bge("base", 768),
    _bge("large", 1024, "bge-large", "bge-large:335m"),
    _hub(
        "mixedbread-ai/mxbai-embed-large-v1",
        dimensions=1024,
        max_tokens=512,
        prompts={"query": SEARCH},
        instruction_template=VERBATIM,
        matryoshka_sizes=(64, 128, 256, 512, 768),
        aliases=("mxbai-embed-large", "mxbai-embed-large:335m"),
    ),
    _hub(
        "nomic-ai/nomic-embed-text-v1.5",
        dimensions=768,
        max_tokens=8192,
        prompts={
            "query": "search_query: ",
            "document": "search_document: ",
            "classification": "classification: ",
            "clustering": "clustering: ",
        },
        instruction_template=VERBATIM,
        matryoshka_sizes=(64, 128, 256, 512),
        aliases=("nomic-embed-text", "nomic-embed-text:v1.5"),
    ),
)
