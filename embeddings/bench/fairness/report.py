"""The trials' findings as a table for people and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from embeddings.bench.fairness.trials import Neighbours, Weights
from embeddings.bench.machine import Machine
from embeddings.bench.report import place

MOST_SLOWDOWN = 2.0
#: How far from the weights' ratio that of the tokens may be.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; without a target nothing is judged."""

    title: str
    measured: str
    target: str = ""
    is_met: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessReport:
    """What was found."""

    machine: Machine
    connections: int
    neighbours: Neighbours
    weights: Weights

    @property
    def rows(self) -> list[Row]:
        """The table's lines."""
        found, two = self.neighbours, self.weights
        least, most = ((1 + sign * TOLERANCE) * two.heavy_weight for sign in (-1, 1))
        return [
            Row(title="capacity", measured=f"{found.capacity:,.0f} tokens/s"),
            Row(
                title="modest tenants alone",
                measured=_latency(found.alone_p50_ms, found.alone_p95_ms)
                + f", {found.got_alone:,.0f} of {found.wanted:,.0f} tokens/s",
            ),
            Row(
                title="the same beside a greedy one",
                measured=_latency(found.beside_p50_ms, found.beside_p95_ms)
                + f", {found.got_beside:,.0f} tokens/s, {found.refused} refused",
                target="none refused",
                is_met=not found.refused,
            ),
            Row(
                title="the greedy one",
                measured=f"{found.greedy_got:,.0f} tokens/s, "
                f"{found.greedy_refused} refused",
            ),
            Row(
                title="p95 beside, by p95 alone",
                measured=f"{found.slowdown:.2f}",
                target=f"{MOST_SLOWDOWN:g} at most",
                is_met=found.slowdown <= MOST_SLOWDOWN,
            ),
            Row(
                title=f"tokens by weights {two.heavy_weight:g} to 1",
                measured=f"{two.ratio:.2f} ({two.heavy:,.0f} to {two.light:,.0f} /s)",
                target=f"{least:.1f} to {most:.1f}",
                is_met=least <= two.ratio <= most,
            ),
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        missed = [row.title for row in self.rows if not row.is_met]
        ratios = {"slowdown": self.neighbours.slowdown, "ratio": self.weights.ratio}
        return asdict(self) | ratios | {"missed": missed}


def print_fairness(report: FairnessReport, console: Console) -> None:
    """The machine, then the table."""
    for line in place(report.machine):
        console.print(line, highlight=False, markup=False)
    title = f"fairness, {report.connections} connections"
    table = Table(title, "measured", "target", "")
    for row in report.rows:
        verdict = "" if not row.target else "met" if row.is_met else "MISSED"
        table.add_row(row.title, row.measured, row.target, verdict)
    console.print(table)


def _latency(p50_ms: float, p95_ms: float) -> str:
    return f"p50 {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms"
