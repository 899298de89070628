"""Which words go before (and after) a text, by its role or the caller's instruction."""

from dataclasses import dataclass

from embeddings.engine.errors import InvalidInputError
from embeddings.engine.spec import Job, Role

#: Names a folder may use for a role's prompt; the first it has wins.
NAMES = {
    Role.NONE: (),
    Role.QUERY: ("query",),
    Role.DOCUMENT: ("document", "passage", "corpus"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is put before and after each text, verbatim, without separators."""

    before: str = ""
    after: str = ""


def choose_prompt(job: Job) -> Prompt:
    """The job's prompt; raises InvalidInputError for a name that the model has not.

    An instruction fills the model's template; without a template it is ignored. The
    empty instruction asks for no prompt. Else the role's prompt is taken, else the
    model's default, which stands under the empty name.
    """
    if job.prompt_name is not None:
        return _named_prompt(job, job.prompt_name)
    if job.instruction == "":
        return Prompt()
    template = job.spec.instruction_template
    if job.instruction is not None and template:
        before, _, after = template.partition("{text}")
        return Prompt(
            before=before.replace("{instruction}", job.instruction),
            after=after.replace("{instruction}", job.instruction),
        )
    prompts = job.spec.prompts
    for name in NAMES[job.role]:
        if name in prompts:
            return Prompt(before=prompts[name])
    return Prompt(before=prompts.get("", ""))


def _named_prompt(job: Job, name: str) -> Prompt:
    """One of the prompts that the folder names; the unnamed one has no name."""
    names = sorted(filter(None, job.spec.prompts))
    if name not in names:
        known = ", ".join(names) or "none"
        raise InvalidInputError(f"the model has no prompt {name[:40]!r}, but {known}")
    return Prompt(before=job.spec.prompts[name])
