"""A run's findings as one table for people, as Markdown, and as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from embeddings.bench.arithmetic import Verdict
from embeddings.bench.machine import Machine
from embeddings.bench.plan import Figure, Kind
from embeddings.bench.run import Score
from embeddings.bench.session import Report

MIB = 1 << 20
GIB = 1 << 30
NONE = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, and what it shows of a score."""

    title: str
    show: Callable[[Report, Score], str]


def share(report: Report, score: Score) -> float | None:
    """The part of the machine's ceiling that the bulk reaches; None if not known.

    Counted as the model's arithmetic, without padding, at the contender's precision.
    """
    contender = score.contender
    speed = middle(score, Figure.BULK)
    if speed is None or contender.kind is Kind.INFINITY:
        return None
    figure = Figure.FLOAT32 if contender.precision == "float32" else Figure.BFLOAT16
    for other in report.scores:
        of = other.contender
        if of.kind is Kind.CEILING and of.device == contender.device:
            ceiling = middle(other, figure)
            flops = sum(map(report.subject.flops, report.workload.tokens))
            flops_per_text = flops / len(report.workload.tokens)
            return speed * flops_per_text / 1e9 / ceiling if ceiling else None
    return None


def middle(score: Score, figure: Figure) -> float | None:
    """A figure's median over the rounds; None where it was not measured."""
    values = score.figures.get(figure)
    return median(values) if values else None


def as_json(report: Report) -> dict[str, Any]:
    """Everything, with the figures of each round."""
    spec = report.subject.spec
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 1),
        "rounds": report.rounds,
        "is_quick": report.is_quick,
        "machine": asdict(report.machine),
        "model": {
            "name": spec.name,
            "parameters_per_token": report.subject.parameters,
        },
        "texts": asdict(report.lengths) | {"mean": report.lengths.mean},
        "short_texts": asdict(report.short_lengths),
        "clients": report.workload.clients,
        "request_texts": report.workload.request_texts,
        "metered_requests": report.metered,
        "foreign_cores": report.foreign_cores,
        "disturbed_turns": report.disturbed,
        "contenders": [_score_as_json(report, score) for score in report.scores],
        "targets": [
            {
                "title": verdict.target.title,
                "bound": verdict.target.bound,
                "ratio": verdict.ratio,
                "is_met": verdict.is_met,
            }
            for verdict in report.verdicts
        ],
        "problems": list(report.problems),
    }


def print_report(report: Report, console: Console) -> None:
    """The table, what it was measured on, and the targets."""
    for line in facts(report):
        console.print(line, highlight=False, markup=False)
    table = Table()
    for column in COLUMNS:
        is_name = column is COLUMNS[0]
        justify: Literal["left", "right"] = "left" if is_name else "right"
        table.add_column(column.title, justify=justify, no_wrap=is_name)
    for row in _rows(report):
        table.add_row(*row)
    console.print(table)
    for line in notes(report):
        console.print(line, highlight=False, markup=False)
    verdicts = Table("ratio", "measured", "target", "")
    for verdict in report.verdicts:
        verdicts.add_row(*_verdict_cells(verdict))
    console.print(verdicts)
    for problem in report.problems:
        console.print(f"PROBLEM: {problem}", style="bold red", markup=False)


def as_markdown(report: Report) -> str:
    """The same for the README."""
    lines = [f"- {line}" for line in facts(report)]
    lines += ["", *_markdown_table([c.title for c in COLUMNS], _rows(report)), ""]
    lines += [f"- {line}" for line in notes(report)]
    titles = ["ratio", "measured", "target", ""]
    cells = [_verdict_cells(verdict) for verdict in report.verdicts]
    lines += ["", *_markdown_table(titles, cells)]
    lines += [f"\n**{problem}**" for problem in report.problems]
    return "\n".join(lines) + "\n"


def facts(report: Report) -> list[str]:
    """What the figures depend on, in plain lines."""
    lengths = report.lengths
    quantiles = ", ".join(
        f"{percent} % {tokens}" for percent, tokens in lengths.quantiles.items()
    )
    texts = (
        f"{report.subject.spec.name}; {lengths.texts:,} paragraphs with "
        f"{lengths.tokens:,} tokens, {lengths.mean:.0f} each (quantiles: {quantiles}); "
        f"short texts of {report.short_lengths.mean:.0f} tokens"
    )
    rounds = f"medians of {report.rounds} rounds, contenders in turn"
    return [*place(report.machine), texts, rounds]


def place(machine: Machine) -> list[str]:
    """The machine and its software in two lines."""
    gpu = f", {machine.gpu}" if machine.gpu else ""
    hardware = (
        f"{machine.processor}, {machine.cores} cores ({', '.join(machine.flags)}), "
        f"{machine.memory_bytes / GIB:.0f} GiB{gpu}; {machine.system}; "
        f"load before the run {machine.load:.1f}"
    )
    versions = ", ".join(f"{name} {its}" for name, its in machine.versions.items())
    return [hardware, versions]


def notes(report: Report) -> list[str]:
    """The ceilings, what is missing, and what each rested with."""
    lines = []
    for score in report.scores:
        name = score.contender.name
        if score.contender.kind is Kind.CEILING and not score.lacks:
            float32 = middle(score, Figure.FLOAT32) or 0.0
            bfloat16 = middle(score, Figure.BFLOAT16) or 0.0
            side = report.workload.side
            lines.append(
                f"ceiling, {name} of {side} by {side}: {float32:,.0f} GFLOP/s in "
                f"float32, {bfloat16:,.0f} in bfloat16; the model takes "
                f"{2 * report.subject.parameters / 1e6:.1f} MFLOP per token, and "
                "attention"
            )
        if score.lacks:
            lines.append(f"{name}: not measured, {score.lacks}")
        few, many = middle(score, Figure.FEW), middle(score, Figure.MANY)
        if few and many:
            work = report.workload
            lines.append(
                f"{name}: {few / 1e3:.1f} µs per token with {work.few:,} texts, "
                f"{many / 1e3:.1f} with {work.many:,}"
            )
    if report.foreign_cores is not None:
        lines.append(
            f"other programs kept {report.foreign_cores:.2f} cores busy meanwhile"
            + f" and disturbed {report.disturbed} turns" * bool(report.disturbed)
        )
    if report.metered is not None:
        lines.append(f"the ledger has every request to the servers: {report.metered:,}")
    idle = [score.idle_share for score in report.scores if score.idle_share is not None]
    if idle:
        lines.append(
            f"contenders that rested used up to {max(idle):.1%} of one core each"
        )
    return lines


def _number(figure: Figure, digits: int = 0) -> Callable[[Report, Score], str]:
    def show(report: Report, score: Score) -> str:  # noqa: ARG001 -- a column's shape
        found = middle(score, figure)
        return NONE if found is None else f"{found:,.{digits}f}"

    return show


def _share(report: Report, score: Score) -> str:
    found = share(report, score)
    return NONE if found is None else f"{found:.0%}"


def _tail(report: Report, score: Score) -> str:  # noqa: ARG001 -- a column's shape
    found = [middle(score, each) for each in (Figure.CLIENTS_P50, Figure.CLIENTS_P99)]
    return " / ".join(f"{each:.0f}" for each in found if each is not None) or NONE


def _peak(report: Report, score: Score) -> str:  # noqa: ARG001 -- a column's shape
    return NONE if score.peak_bytes is None else f"{score.peak_bytes / MIB:,.0f}"


def _cosine(report: Report, score: Score) -> str:  # noqa: ARG001 -- a column's shape
    return NONE if score.cosine is None else f"{score.cosine:.6f}"


COLUMNS = (
    Column("contender", lambda _, score: score.contender.name),
    Column("bulk texts/s", _number(Figure.BULK)),
    Column("tokens/s", _number(Figure.TOKENS)),
    Column("of the ceiling", _share),
    Column("one short text, ms", _number(Figure.SHORT, 1)),
    Column("one large request, ms", _number(Figure.REQUEST)),
    Column("clients, requests/s", _number(Figure.CLIENTS)),
    Column("p50 / p99, ms", _tail),
    Column("peak MiB", _peak),
    Column("least cosine", _cosine),
)


def _rows(report: Report) -> list[list[str]]:
    return [
        [column.show(report, score) for column in COLUMNS]
        for score in report.scores
        if score.contender.kind is not Kind.CEILING
    ]


def _verdict_cells(verdict: Verdict) -> list[str]:
    ratio = NONE if verdict.ratio is None else f"{verdict.ratio:.2f}"
    word = {None: "not measured", True: "met", False: "NOT MET"}[verdict.is_met]
    return [verdict.target.title, ratio, verdict.target.bound, word]


def _markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [titles, ["---"] + ["---:"] * (len(titles) - 1), *rows]
    return [f"| {' | '.join(row)} |" for row in cells]


def _score_as_json(report: Report, score: Score) -> dict[str, Any]:
    contender = score.contender
    return {
        "name": contender.name,
        "kind": contender.kind,
        "runtime": contender.runtime,
        "precision": contender.precision,
        "device": contender.device,
        "lacks": score.lacks,
        "least_cosine": score.cosine,
        "peak_bytes": score.peak_bytes,
        "idle_share": score.idle_share,
        "share_of_ceiling": share(report, score),
        "figures": {
            figure.value: {"median": median(values), "rounds": values}
            for figure, values in score.figures.items()
        },
    }
