"""Measure what metering costs, and push it to see whether it holds."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from embeddings.bench import machine
from embeddings.bench.metering import trials
from embeddings.bench.metering.crew import crew
from embeddings.bench.metering.report import MeteringReport, print_metering
from embeddings.bench.metering.web import over_http
from embeddings.bench.scratch import Scratch, ScratchError, scratch

WIDTH = 120


class Command(BaseCommand):
    """The platform's own data stay untouched: it works on a scratch database."""

    help = "Measure metering: speed, exact quotas, and what kill -9 leaves behind."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, how often."""
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it")
        parser.add_argument("--seconds", type=float, default=10.0, help="per speed")
        parser.add_argument("--threads", type=int, default=12, help="in each process")
        parser.add_argument("--runs", type=int, default=100, help="of using a quota up")
        parser.add_argument(
            "--kill-seconds", type=float, default=60.0, help="of kill -9; 0: none"
        )
        parser.add_argument(
            "--no-http", action="store_true", help="leave the web server out"
        )

    def handle(self, **options: Any) -> None:
        """Measure, print, write; fails where a quota or the books do not hold."""
        try:
            with scratch(
                database_url=settings.DATABASE_URL,
                data_dir=settings.DATA_DIR,
                models_dir=settings.MODELS_DIR,
            ) as platform:
                report = self._measure(platform, options)
        except (ScratchError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"] is not None:
            text = json.dumps(report.as_json(), indent=1)
            options["json"].write_text(text + "\n", "utf-8")
        print_metering(report, Console(file=self.stdout, width=WIDTH))  # type: ignore[arg-type]
        if report.problems:
            raise CommandError("metering does not hold: see the problems above")

    def _measure(self, platform: Scratch, options: dict[str, Any]) -> MeteringReport:
        seconds, here = options["seconds"], machine.look()
        with crew(platform, size=trials.WORKERS) as workers:
            self._tell("speed of one tenant")
            at_most = trials.speed(workers, seconds=seconds, threads=options["threads"])
            self._tell("200 requests per second")
            paced = trials.speed(workers, seconds=seconds, threads=8, rate=200.0)
            exact = trials.exactness(workers, runs=options["runs"], tell=self._tell)
        survival = None
        if options["kill_seconds"]:
            survival = trials.survival(
                platform, seconds=options["kill_seconds"], tell=self._tell
            )
        self._tell("over HTTP")
        http = None if options["no_http"] else over_http(platform, seconds=seconds)
        return MeteringReport(
            machine=here,
            at_most=at_most,
            at_200_per_s=paced,
            over_http=http,
            exactness=exact,
            survival=survival,
        )

    def _tell(self, text: str) -> None:
        """What it does now, for a person at a terminal."""
        if self.stderr.isatty():
            self.stderr.write(text, style_func=str)
