"""What a process counts for Prometheus; adding up all processes is the page's job."""

from prometheus_client import Counter, Histogram

#: Seconds: a cached model's short text, to the longest that a request may take.
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

REQUESTS = Counter(
    "embedding_requests", "Requests answered.", ("wire", "method", "status")
)
SECONDS = Histogram(
    "embedding_request_seconds",
    "From a request's first byte to its answer.",
    ("wire",),
    buckets=BUCKETS,
)
TEXTS = Counter("embedding_texts", "Texts embedded and billed.", ("wire", "model"))
TOKENS = Counter("embedding_tokens", "Tokens embedded and billed.", ("wire", "model"))
TRUNCATED = Counter("embedding_truncated_texts", "Texts that were cut.", ("model",))

PROVIDER_CALLS = Counter(
    "embedding_provider_calls",
    "Calls of other people's models, each try by itself.",
    ("provider", "outcome"),
)
PROVIDER_RETRIES = Counter(
    "embedding_provider_retries", "Calls that were made again.", ("provider",)
)
PROVIDER_REJECTIONS = Counter(
    "embedding_provider_rejections",
    "Calls that an operator has to look at; status 0: the endpoint cannot be asked.",
    ("provider", "status"),
)
PROVIDER_SECONDS = Histogram(
    "embedding_provider_seconds",
    "From a call's first byte to its answer.",
    ("provider",),
    buckets=BUCKETS,
)
EXCESS_TOKENS = Counter(
    "embedding_excess_tokens",
    "Tokens that a provider counted beyond what a text can have; they are not billed.",
    ("model",),
)

METHODS = frozenset({"GET", "HEAD", "POST"})


def answered(*, wire: str, method: str | None, status: int, seconds: float) -> None:
    """Count one answer of a wire, whatever it was."""
    # A method is the caller's own word, and every new label stays for ever.
    known = method if method in METHODS else "other"
    REQUESTS.labels(wire, known, str(status)).inc()
    SECONDS.labels(wire).observe(seconds)


def served(*, wire: str, model: str, texts: int, tokens: int, truncated: int) -> None:
    """Count what was embedded, by the model's canonical name, once it is billed."""
    TEXTS.labels(wire, model).inc(texts)
    TOKENS.labels(wire, model).inc(tokens)
    if truncated:
        TRUNCATED.labels(model).inc(truncated)


def called_provider(*, provider: str, outcome: str, seconds: float) -> None:
    """Count one call of somebody else's model, whatever came of it."""
    PROVIDER_CALLS.labels(provider, outcome).inc()
    PROVIDER_SECONDS.labels(provider).observe(seconds)
