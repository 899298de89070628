"""Measure what tenants get of a server beside others that ask for too much."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from embedded.wheel import EmbeddedPostgresError
from embeddings.bench import machine
from embeddings.bench.fairness import trials
from embeddings.bench.fairness.clients import Demand, Target, compete
from embeddings.bench.fairness.report import FairnessReport, print_fairness
from embeddings.bench.fairness.tenants import make_tenants
from embeddings.bench.load import BadAnswerError
from embeddings.bench.plan import Contender, Kind
from embeddings.bench.scratch import Scratch, ScratchError, scratch
from embeddings.bench.server import Gunicorn

MODEL = "all-MiniLM-L6-v2"
HEAVY = 2.0
WIDTH = 120
FAILURES = (ScratchError, BadAnswerError, EmbeddedPostgresError, OSError)


class Command(BaseCommand):
    """The platform's own data stay untouched: it works on a scratch database."""

    help = "Measure fairness: modest tenants beside a greedy one, and weights."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, and with how many connections."""
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it")
        parser.add_argument("--seconds", type=float, default=20.0, help="per trial")
        parser.add_argument(
            "--connections",
            type=int,
            default=settings.WEB_THREADS,
            help="of all tenants together; WEB_THREADS usually",
        )

    def handle(self, **options: Any) -> None:
        """Measure, print, write."""
        if options["connections"] <= trials.MODESTS:
            raise CommandError(f"--connections: {trials.MODESTS + 1} are the least")
        try:
            with scratch(
                database_url=settings.DATABASE_URL,
                data_dir=settings.DATA_DIR,
                models_dir=settings.MODELS_DIR,
            ) as platform:
                report = self._measure(platform, options)
        except FAILURES as error:
            raise CommandError(str(error)) from error
        if options["json"] is not None:
            text = json.dumps(report.as_json(), indent=1)
            options["json"].write_text(text + "\n", "utf-8")
        print_fairness(report, Console(file=self.stdout, width=WIDTH))  # type: ignore[arg-type]

    def _measure(self, platform: Scratch, options: dict[str, Any]) -> FairnessReport:
        here = machine.look()
        ones = [1.0] * (1 + trials.MODESTS)
        *keys, heavy, light = make_tenants(platform, [*ones, HEAVY, 1.0])
        contender = Contender(
            name="web",
            kind=Kind.SERVER,
            runtime=settings.ENGINE_RUNTIME,
            device=settings.ENGINE_DEVICE,
            cache_folder=settings.ENGINE_CACHE_DIR,
        )
        server = Gunicorn(contender, MODEL, platform=platform)
        try:
            server.wait_until_ready()
            url, seconds = server.endpoint.url, options["seconds"]
            first = Demand(key=keys[0], connections=1, requests=[("word",)])
            # The model is loaded before anything is measured.
            compete(Target(url=url, model=MODEL, seconds=0.1), [first])
            stage = trials.Stage(
                target=Target(url=url, model=MODEL, seconds=seconds),
                connections=options["connections"],
            )
            beside = trials.neighbours(stage, keys, tell=self._tell)
            by_weight = trials.weights(
                stage, [heavy, light], heavy=HEAVY, tell=self._tell
            )
        finally:
            server.close()
        return FairnessReport(
            machine=here,
            connections=stage.connections,
            neighbours=beside,
            weights=by_weight,
        )

    def _tell(self, text: str) -> None:
        """What it does now, for a person at a terminal."""
        if self.stderr.isatty():
            self.stderr.write(text, style_func=str)
