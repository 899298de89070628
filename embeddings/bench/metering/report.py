"""The trials' findings as a table for people and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from embeddings.bench.machine import Machine
from embeddings.bench.metering.trials import Exactness, Speed, Survival
from embeddings.bench.report import place

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteringReport:
    """What was found; None where a trial was left out."""

    machine: Machine
    at_most: Speed
    at_200_per_s: Speed
    over_http: Speed | None
    exactness: Exactness
    survival: Survival | None

    @property
    def problems(self) -> list[str]:
        """What must not be, whatever the machine."""
        found = []
        exact, lived = self.exactness, self.survival
        if exact.overshot or exact.unusable or exact.wrongly_refused:
            found.append("a quota was overshot, or not usable to its end")
        if lived and (lived.missing or lived.doubled):
            found.append("an answer has no row of the ledger, or two")
        if lived and (lived.held or lived.differences):
            found.append("the books do not agree at rest")
        return found

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return asdict(self) | {"problems": self.problems}


def print_metering(report: MeteringReport, console: Console) -> None:
    """The table, then what is wrong."""
    for line in place(report.machine):
        console.print(line, highlight=False, markup=False)
    table = Table("metering", "measured", "target")
    for row in _rows(report):
        table.add_row(*row)
    console.print(table)
    for problem in report.problems:
        console.print(f"PROBLEM: {problem}", style="bold red", markup=False)


def _rows(report: MeteringReport) -> list[Row]:
    most, paced = _speed(report.at_most), _speed(report.at_200_per_s)
    rows = [
        ("admitted and settled, one tenant, all kinds", most, "2,000/s, p95 25 ms"),
        ("the same at 200/s, with the key's check", paced, "p50 4 ms, p95 15 ms"),
    ]
    if report.over_http is not None:
        rows.append(("over HTTP, BM25, one word each", _speed(report.over_http), ""))
    rows.append(_exactness(report.exactness))
    if report.survival is not None:
        rows += _survival(report.survival)
    return rows


def _speed(speed: Speed) -> str:
    text = f"{speed.requests_per_s:,.0f}/s, p50 {speed.p50_ms:.1f} ms"
    text += f", p95 {speed.p95_ms:.1f} ms"
    return f"{text}; {speed.unavailable} failed" if speed.unavailable else text


def _exactness(found: Exactness) -> Row:
    title = f"{found.limit:,} tokens used up by 64 clients, {found.runs} runs"
    measured = f"overshot {found.overshot}, not usable to the end {found.unusable}"
    return title, f"{measured}, refused with room {found.wrongly_refused}", "0, 0, 0"


def _survival(found: Survival) -> list[Row]:
    title = f"{found.answered:,} answers during {found.kills} kill -9"
    ledger = f"without a row {found.missing}, with two {found.doubled}"
    books = f"held {found.held}, differences {found.differences}"
    rest = f"at rest after {found.seconds_to_rest:.1f} s"
    return [(title, ledger, "0, 0"), (rest, books, "0, 0")]
