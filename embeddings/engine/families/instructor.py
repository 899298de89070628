"""INSTRUCTOR: an instruction before the text, which steers and is left out of pooling.

Source: InstructorEmbedding 1.0.1, whose joining the models' users have.
"""

from dataclasses import replace
from pathlib import Path

from embeddings.engine.families.encoder import EncoderFamily
from embeddings.engine.spec import FolderFacts, Job, ModelSpec, TokenRow
from embeddings.engine.tokenization import FolderTokenizer, Rules

#: Version 1.0.1 reads no more, whatever the folder says.
MAX_TOKENS = 512


class InstructorTokenizer(FolderTokenizer):
    """Joins instruction and text as `(instruction + text.strip()).strip()`."""

    def rows(self, job: Job) -> tuple[TokenRow, ...]:
        """As the folder's own, of stripped texts."""
        inputs = tuple(
            given.strip() if isinstance(given, str) else given for given in job.inputs
        )
        return super().rows(replace(job, inputs=inputs))

    def rules(self, job: Job) -> Rules:
        """As the folder's own; tokens of the stripped instruction are left out.

        A single one is not: the original takes it for the end mark.
        """
        rules = super().rules(job)
        count = len(self.content_ids(rules.prompt.before.strip()))
        return replace(rules, skip=self.first_content + count if count > 1 else 0)

    def joined(self, text: str, rules: Rules) -> str:
        """The text with its instruction, stripped as a whole."""
        return super().joined(text, rules).strip()


class InstructorFamily(EncoderFamily):
    """T5 encoders that pool without the instruction; their files do not tell."""

    name = "instructor"

    def matches(self, folder: Path) -> bool:  # noqa: ARG002
        """Never: sentence-t5 has the same files, so an operator has to say it."""
        return False

    def inspect(self, folder: Path, *, route: str = "") -> FolderFacts:
        """The folder's facts, and what the original's code adds to them."""
        facts = super().inspect(folder, route=route)
        return replace(
            facts,
            max_tokens=min(facts.max_tokens, MAX_TOKENS),
            include_prompt=False,
            instruction_template="{instruction}{text}",
        )

    def tokenizer(self, spec: ModelSpec) -> InstructorTokenizer:
        """The folder's tokenizer, joining as the original does."""
        return InstructorTokenizer(spec.source)


FAMILY = InstructorFamily()
