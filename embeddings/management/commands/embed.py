"""Embed texts on this machine, for operators; nothing is metered."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from accounts.management.base import PlatformCommand
from embeddings.catalog.lookup import CatalogEntry, entry_of, fold
from embeddings.engine import Engine
from embeddings.engine.errors import EngineError, InputTooLongError
from embeddings.engine.spec import Call, Job, Prepared, Role, Truncate
from embeddings.models import EmbeddingModel, ModelAlias
from embeddings.process import PLATFORM, close, get_engine

TEXTS_AT_A_TIME = 256
TIMEOUT_S = 600.0


class Command(PlatformCommand):
    """One JSON object a line: index, tokens, truncated, embedding."""

    help = "Embed texts given as arguments, or lines of standard input, as JSON lines."

    def add_arguments(self, parser: CommandParser) -> None:
        """Model, texts, and how."""
        super().add_arguments(parser)
        parser.add_argument("texts", nargs="*", help="without any: lines of stdin")
        parser.add_argument("--model", "-m", required=True, help="a name or an alias")
        parser.add_argument("--role", choices=[role.value for role in Role])
        parser.add_argument("--instruction")
        parser.add_argument("--dimensions", type=int)
        parser.add_argument(
            "--truncate",
            choices=[rule.value for rule in Truncate],
            default=Truncate.ERROR.value,
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Embed block by block, so that memory stays flat."""
        entry = _find(options["model"])
        if entry is None or entry.spec is None:
            raise CommandError(f"model {options['model']!r} is not there to be run")
        if options["dimensions"] is not None and not entry.offers(
            options["dimensions"]
        ):
            raise CommandError(f"{entry.name} has no such dimensions")
        job = Job(
            spec=entry.spec,
            inputs=(),
            role=Role(options["role"] or Role.NONE),
            instruction=options["instruction"],
            truncate=Truncate(options["truncate"]),
            dimensions=options["dimensions"],
        )
        texts: Iterable[str] = options["texts"] or (
            line.removesuffix("\n") for line in sys.stdin
        )
        try:
            for line in _lines(job, iter(texts)):
                self.stdout.write(line)
        except EngineError as error:
            raise CommandError(str(error)) from error
        finally:
            close(drain_s=0)


def _find(name: str) -> CatalogEntry | None:
    """A catalog row by its name or alias, whoever it is granted to."""
    for row in EmbeddingModel.objects.select_related("provider"):
        if fold(row.name) == fold(name):
            return entry_of(row)
    for alias in ModelAlias.objects.select_related("model__provider"):
        if fold(alias.name) == fold(name):
            return entry_of(alias.model)
    return None


def _lines(job: Job, texts: Iterator[str]) -> Iterator[str]:
    """JSON lines in the order of the texts."""
    engine = get_engine()
    start = 0
    while block := tuple(islice(texts, TEXTS_AT_A_TIME)):
        prepared = _prepare(engine, replace(job, inputs=block), start=start)
        call = Call(tenant=PLATFORM, deadline=time.monotonic() + TIMEOUT_S)
        dense = engine.run(prepared, call)
        for index, vector in enumerate(dense.vectors):
            line = {
                "index": start + index,
                "tokens": prepared.tokens[index] if prepared.tokens else None,
                "truncated": prepared.truncated[index],
                "embedding": vector,
            }
            yield orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        start += len(block)


def _prepare(engine: Engine, job: Job, *, start: int) -> Prepared:
    """Tokenize a block whose first text has the index `start`."""
    try:
        return engine.prepare(job)
    except InputTooLongError as error:
        raise InputTooLongError(
            index=start + error.index,
            tokens=error.tokens,
            limit=error.limit,
            unit=error.unit,
        ) from error
