"""Measure how fast this machine embeds, beside others, in one table."""

import json
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from embeddings.bench.plan import Row, Subject
from embeddings.bench.report import as_json, as_markdown, print_report
from embeddings.bench.session import FAILURES, QUICK_TEXTS, Options, Report, measure
from embeddings.bench.subject import subject_of
from embeddings.catalog.locate import locate
from embeddings.catalog.shipped_models import SHIPPED
from embeddings.engine.spec import ModelSpec, Output

LEAST_ROUNDS = 5
TEXTS = 2048
MODEL = "all-MiniLM-L6-v2"
ROWS = (Row.BULK, Row.SHORT, Row.REQUEST, Row.CLIENTS)
WIDTH = 150
#: The exit code of a process that a termination ended.
TERMINATED = 128 + signal.SIGTERM


class Command(BaseCommand):
    """The platform's own data stay untouched: servers use a scratch database."""

    help = "Measure how fast this machine embeds, in one table."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to measure, and where to write it."""
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it")
        parser.add_argument(
            "--markdown", type=Path, metavar="FILE", help="write the tables"
        )
        parser.add_argument(
            "--infinity", default="", metavar="URL", help="an Infinity server to beat"
        )
        parser.add_argument("--rounds", type=int, help=f"at least {LEAST_ROUNDS}")
        parser.add_argument("--texts", type=int, help=f"paragraphs; {TEXTS} usually")
        parser.add_argument(
            "--rows",
            nargs="+",
            choices=[row.value for row in ROWS],
            default=[row.value for row in ROWS],
        )
        parser.add_argument(
            "--only",
            nargs="+",
            default=[],
            metavar="NAME",
            help="forms of the engine, as 'openvino float32'",
        )
        parser.add_argument(
            "--no-http", action="store_true", help="leave our own web server out"
        )
        parser.add_argument(
            "--long", action="store_true", help="also 1,000 against 100,000 texts"
        )
        parser.add_argument(
            "--patience",
            type=float,
            default=0.0,
            metavar="SECONDS",
            help="wait for other programs to rest, repeat what they disturb",
        )
        parser.add_argument(
            "--quick", action="store_true", help="one round of few texts: a try-out"
        )

    def handle(self, **options: Any) -> None:
        """Measure, print, write; fails where a contender did or where they differ."""
        rounds = options["rounds"] or (1 if options["quick"] else LEAST_ROUNDS)
        if rounds < LEAST_ROUNDS and not options["quick"]:
            raise CommandError(
                f"{rounds} rounds tell too little, {LEAST_ROUNDS} are the least: "
                "--quick is for try-outs"
            )
        rows = frozenset(map(Row, options["rows"]))
        chosen = Options(
            subject=_subject(),
            rows=rows | {Row.LONG} if options["long"] else rows,
            rounds=rounds,
            texts=options["texts"] or (QUICK_TEXTS if options["quick"] else TEXTS),
            is_quick=options["quick"],
            has_http=not options["no_http"],
            infinity=options["infinity"].rstrip("/"),
            only=frozenset(options["only"]),
            patience_s=options["patience"],
            database_url=settings.DATABASE_URL,
            data_dir=settings.DATA_DIR,
            models_dir=settings.MODELS_DIR,
            cache_folder=settings.ENGINE_CACHE_DIR,
        )
        try:
            with _ending_in_order():
                report = measure(chosen, tell=self._tell)
        except (*FAILURES, ValueError) as error:
            raise CommandError(str(error)) from error
        self._write(report, options["json"], options["markdown"])
        if report.problems:
            raise CommandError("these figures are no result: see the problems above")

    def _tell(self, text: str) -> None:
        """What it does now, for a person at a terminal."""
        if sys.stderr.isatty():
            self.stderr.write(text, style_func=str)

    def _write(
        self, report: Report, json_path: Path | None, markdown_path: Path | None
    ) -> None:
        if json_path is not None:
            json_path.write_text(json.dumps(as_json(report), indent=1) + "\n", "utf-8")
        if markdown_path is not None:
            markdown_path.write_text(as_markdown(report), "utf-8")
        console = Console(file=self.stdout, width=None if _is_terminal() else WIDTH)  # type: ignore[arg-type]
        print_report(report, console)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have a termination end what was started, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _subject() -> Subject:
    """The small model that every installation has."""
    shipped = next(one for one in SHIPPED if one.name == MODEL)
    folder = locate(shipped.source)
    if folder is None:
        raise CommandError(f"{shipped.name} is not on this machine")
    spec = ModelSpec(
        name=shipped.name,
        source=folder,
        family=shipped.family,
        outputs=frozenset({Output.DENSE}),
        dimensions=shipped.dimensions,
        max_tokens=shipped.max_tokens,
        context_tokens=shipped.context_tokens,
    )
    return subject_of(spec)


def _is_terminal() -> bool:
    return sys.stdout.isatty()
