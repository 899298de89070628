"""One run from its beginning to its report: whom to start, ask and end."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.wheel import EmbeddedPostgresError
from embeddings.bench import contenders, corpus, machine
from embeddings.bench.arithmetic import Verdict, judge
from embeddings.bench.child import Child, ContenderError
from embeddings.bench.corpus import Lengths
from embeddings.bench.load import BadAnswerError, Endpoint
from embeddings.bench.machine import Machine
from embeddings.bench.plan import Contender, Contestant, Kind, Row, Subject, Workload
from embeddings.bench.run import (
    Score,
    least_cosine,
    measure_once,
    take_turns,
)
from embeddings.bench.scratch import Scratch, ScratchError, scratch
from embeddings.bench.server import Gunicorn, Served, first_model
from embeddings.bench.watch import Watch
from embeddings.engine import Engine, EngineConfig, Job, Truncate
from embeddings.engine.spec import Floats, ModelSpec

#: What a contender may fail with, and the run goes on without it.
FAILURES = (BadAnswerError, ContenderError, ScratchError, EmbeddedPostgresError)
QUICK_TEXTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is to be measured, and where the platform keeps its things.

    `infinity` is the URL of an Infinity server, empty without one. `only` names the
    forms of the engine that take part, empty: all. `patience_s` is how long each turn
    may wait for other programs to rest, and whether disturbed ones are repeated.
    """

    subject: Subject
    rows: frozenset[Row]
    rounds: int
    texts: int
    is_quick: bool
    has_http: bool
    infinity: str
    only: frozenset[str]
    patience_s: float
    database_url: str
    data_dir: Path
    models_dir: Path
    cache_folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run found out.

    `problems` are failures and disagreements: with any of them the figures are no
    result. `metered` counts the ledger's requests, None without our servers;
    `foreign_cores` are those that other programs kept busy during the run, `disturbed`
    the turns that could not be had without them.
    """

    machine: Machine
    subject: Subject
    rounds: int
    is_quick: bool
    workload: Workload
    lengths: Lengths
    short_lengths: Lengths
    scores: tuple[Score, ...]
    verdicts: tuple[Verdict, ...]
    problems: tuple[str, ...]
    metered: int | None
    foreign_cores: float | None
    disturbed: int
    seconds: float


class Session:
    """The contenders of one run that are at work, and those that have failed."""

    def __init__(self, options: Options, tell: Callable[[str], None]) -> None:
        self._options = options
        self._tell = tell
        self._workload, self.lengths, self.short_lengths = _texts(options)
        self._at_work: list[Contestant] = []
        self._scores: dict[str, Score] = {}
        self.problems: list[str] = []
        self.metered: int | None = None
        self.foreign_cores: float | None = None
        self.disturbed = 0

    @property
    def workload(self) -> Workload:
        """The texts of the run."""
        return self._workload

    def run(self) -> tuple[Score, ...]:
        """Start everybody, compare their vectors, let them take turns, end them."""
        with ExitStack() as stack:
            platform = self._start(stack)
            self._warm_up()
            rows = (self._options.rows | {Row.CEILING}) - {Row.LONG}
            watch = Watch(self._at_work, patience_s=self._options.patience_s)
            take_turns(
                self._at_work,
                self._scores,
                rows=rows,
                rounds=self._options.rounds,
                watch=watch,
                tell=self._tell,
            )
            self.foreign_cores, self.disturbed = watch.foreign_cores(), watch.disturbed
            if Row.LONG in self._options.rows:
                self._measure_long()
            if platform is not None:
                self._check_ledger(platform)
        return tuple(self._scores.values())

    def _start(self, stack: ExitStack) -> Scratch | None:
        options = self._options
        for contender in contenders.in_process(options.cache_folder):
            if contender.kind is Kind.ENGINE and not self._takes_part(contender):
                continue
            self._scores[contender.name] = Score(contender, lacks=contender.lacks)
            if not contender.lacks:
                self._add(stack, Child(contender, options.subject))
        platform = self._start_servers(stack) if options.has_http else None
        if options.infinity:
            contender = Contender(name=contenders.INFINITY, kind=Kind.INFINITY)
            self._scores[contender.name] = Score(contender)
            with self._failing(contender):
                endpoint = Endpoint(
                    url=f"{options.infinity}/embeddings",
                    model=first_model(options.infinity),
                )
                self._add(stack, Served(contender, endpoint))
        return platform

    def _start_servers(self, stack: ExitStack) -> Scratch | None:
        options, platform = self._options, None
        for contender in contenders.servers(options.cache_folder):
            self._scores[contender.name] = Score(contender)
            with self._failing(contender):
                platform = platform or stack.enter_context(
                    scratch(
                        database_url=options.database_url,
                        data_dir=options.data_dir,
                        models_dir=options.models_dir,
                    )
                )
                model = options.subject.spec.name
                self._add(stack, Gunicorn(contender, model, platform=platform))
        return platform

    def _takes_part(self, contender: Contender) -> bool:
        return not self._options.only or contender.name in self._options.only

    def _add(self, stack: ExitStack, one: Contestant) -> None:
        stack.callback(one.close)
        self._at_work.append(one)

    def _warm_up(self) -> None:
        """Let everybody embed all texts once; their vectors are compared."""
        found: dict[str, Floats] = {}
        for one in list(self._at_work):
            self._tell(f"warming up {one.contender.name}")
            with self._failing(one.contender):
                one.prepare(self._workload)
                if one.contender.kind is not Kind.CEILING:
                    found[one.contender.name] = one.vectors(self._workload.paragraphs)
        reference = found.get(contenders.ENCODE)
        for name, vectors in found.items():
            score = self._scores[name]
            if reference is not None:
                score.cosine = least_cosine(vectors, reference)
            if score.disagrees:
                self.problems.append(
                    f"{name}: its vectors differ from encode's, the least cosine is "
                    f"{score.cosine:.6f}, {score.contender.agreement} is asked for"
                )
        failed = {name for name, score in self._scores.items() if score.lacks}
        self._at_work = [
            one for one in self._at_work if one.contender.name not in failed
        ]

    def _measure_long(self) -> None:
        usual = contenders.default_runtime(self._options.cache_folder)
        name = contenders.engine_name(usual, "float32")
        for one in self._at_work:
            if one.contender.name == name:
                measure_once(one, Row.LONG, self._scores[name], self._tell)

    def _check_ledger(self, platform: Scratch) -> None:
        """Nothing may have been served that was not metered."""
        self.metered, metered_texts = platform.metered()
        ours = [one for one in self._at_work if isinstance(one, Gunicorn)]
        requests = sum(one.sent_requests for one in ours)
        texts = sum(one.sent_texts for one in ours)
        if (requests, texts) != (self.metered, metered_texts):
            self.problems.append(
                f"{requests} requests with {texts} texts were answered, the ledger "
                f"has {self.metered} with {metered_texts}"
            )

    @contextmanager
    def _failing(self, contender: Contender) -> Iterator[None]:
        """Go on without a contender that fails, and say so at the end."""
        try:
            yield
        except FAILURES as error:
            self._scores[contender.name].lacks = str(error)
            self.problems.append(f"{contender.name} failed: {error}")
            self._tell(self.problems[-1])


def measure(options: Options, *, tell: Callable[[str], None]) -> Report:
    """Run, and gather what was found."""
    started = time.perf_counter()
    facts = machine.look()
    session = Session(options, tell)
    scores = session.run()
    measured = {
        (score.contender.name, figure): values
        for score in scores
        for figure, values in score.figures.items()
    }
    targets = contenders.targets(options.cache_folder)
    return Report(
        machine=facts,
        subject=options.subject,
        rounds=options.rounds,
        is_quick=options.is_quick,
        workload=session.workload,
        lengths=session.lengths,
        short_lengths=session.short_lengths,
        scores=scores,
        verdicts=tuple(judge(target, measured) for target in targets),
        problems=tuple(session.problems),
        metered=session.metered,
        foreign_cores=session.foreign_cores,
        disturbed=session.disturbed,
        seconds=time.perf_counter() - started,
    )


def _texts(options: Options) -> tuple[Workload, Lengths, Lengths]:
    """The texts, and how long they are for the model."""
    paragraphs = corpus.paragraphs(options.texts)
    short = corpus.short_texts(paragraphs)
    tokens = _tokens(options.subject.spec, paragraphs)
    workload = Workload(paragraphs=paragraphs, tokens=tokens, short=short)
    if options.is_quick:
        workload = workload.quick()
    short_tokens = _tokens(options.subject.spec, short)
    return workload, corpus.lengths(tokens), corpus.lengths(short_tokens)


def _tokens(spec: ModelSpec, texts: Sequence[str]) -> tuple[int, ...]:
    """Tokens of each text as the model will see them; loads no weights."""
    job = Job(spec=spec, inputs=tuple(texts), truncate=Truncate.END)
    return Engine(EngineConfig()).prepare(job).tokens
