"""Texts to token ids: encode, count, cut or refuse; needs the tokenizer's file only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, normalizers

from embeddings.engine import layout, manifest
from embeddings.engine.errors import (
    InputTooLongError,
    InvalidInputError,
    ModelUnavailableError,
)
from embeddings.engine.prompts import Prompt, choose_prompt
from embeddings.engine.spec import Job, Output, TokenRow, Truncate

#: Characters per token of the limit: a longer text is refused without being
#: tokenized, or cut where its first (last) so many characters suffice.
CHARACTERS_PER_TOKEN = 250
#: What is looked at first of a long text that may be cut; nearly always enough.
GLANCE_PER_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a job says of each of its texts: `room` is the limit without specials."""

    limit: int
    room: int
    truncate: Truncate
    prompt: Prompt
    before: list[int]
    after: list[int]
    skip: int
    output: Output


class FolderTokenizer:
    """A folder's tokenizer, frozen: safe to share between threads.

    Content is encoded without special tokens; those of the template are learnt once
    and put around it after cutting, so that a cut never loses them.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = _read(folder)
        probe = self._tokenizer.encode("a")
        content = [i for i, mark in enumerate(probe.special_tokens_mask) if not mark]
        if not content:
            raise ModelUnavailableError("the tokenizer makes no tokens")
        self._prefix = probe.ids[: content[0]]
        self._suffix = probe.ids[content[-1] + 1 :]
        self._vocabulary = max(self._tokenizer.get_vocab().values()) + 1
        self._positions = layout.usable_positions(folder)
        self._named = manifest.read_mapping(
            layout.transformer_folder(folder) / "tokenizer_config.json"
        )

    @property
    def first_content(self) -> int:
        """The position of a text's first token, after the template's."""
        return len(self._prefix)

    def ends_with(self, *names: str) -> bool:
        """Whether the template puts one of these tokens, as `ids_of`, at the end."""
        return bool(self._suffix) and self._suffix[-1] in self.ids_of(*names)

    def rows(self, job: Job) -> tuple[TokenRow, ...]:
        """The job's texts as the model will see them, in order.

        Raises `InputTooLongError`, `InvalidInputError`.
        """
        rules = self.rules(job)
        contents: list[list[int] | None] = [None] * len(job.inputs)
        whole: list[tuple[int, str]] = []
        for index, given in enumerate(job.inputs):
            if not isinstance(given, str):
                contents[index] = self._given_ids(given, index, rules)
                continue
            check_characters(given, index)
            if len(given) > GLANCE_PER_TOKEN * rules.limit:
                contents[index] = self._glance(given, index, rules)
            if contents[index] is None:
                whole.append((index, given))
        for (index, _), content in zip(whole, self._encode(whole, rules), strict=True):
            contents[index] = content
        return tuple(
            self._row(content or [], index, rules)
            for index, content in enumerate(contents)
        )

    def labels(
        self,
        given: str | Sequence[int],  # noqa: ARG002 -- the vocabulary is the same for all
        indices: Sequence[int],
    ) -> tuple[str, ...]:
        """The vocabulary's own spelling of each index; empty for those outside it."""
        words = map(self._tokenizer.id_to_token, indices)
        return tuple(word or "" for word in words)

    def rules(self, job: Job) -> Rules:
        """What the job says of each of its texts; raises `InvalidInputError`."""
        prompt = choose_prompt(job)
        check_characters(prompt.before + prompt.after, None)
        context = job.spec.context_tokens or job.spec.max_tokens
        limit = min(job.max_tokens or job.spec.max_tokens, context)
        limit = min(limit, self._positions or limit)
        room = limit - len(self._prefix) - len(self._suffix)
        before = self.content_ids(prompt.before) if prompt.before else []
        after = self.content_ids(prompt.after) if prompt.after else []
        taken = len(before) + len(after)
        if taken and taken >= room:
            raise InvalidInputError(
                f"the instruction has {taken} tokens and leaves no "
                f"room for a text: the model takes at most {limit}"
            )
        if room < 1:
            raise InvalidInputError(f"at most {limit} tokens leave no room for a text")
        pools_prompt = job.spec.include_prompt or not before
        return Rules(
            limit=limit,
            room=room,
            truncate=job.truncate,
            prompt=prompt,
            before=before,
            after=after,
            skip=0 if pools_prompt else len(self._prefix) + len(before),
            output=job.output,
        )

    def _row(self, content: list[int], index: int, rules: Rules) -> TokenRow:
        excess = len(content) - rules.room
        if excess > 0:
            if rules.truncate is Truncate.ERROR:
                raise InputTooLongError(
                    index=index, tokens=rules.limit + excess, limit=rules.limit
                )
            # The start that is cut is the text's: the prompt before it stays.
            kept = len(rules.before) if rules.truncate is Truncate.START else rules.room
            content = content[:kept] + content[kept + excess :]
        ids = self._prefix + content + self._suffix
        if not ids:
            raise InvalidInputError(f"input {index} has no tokens")
        return TokenRow(
            np.asarray(ids, dtype=np.int64),
            skip=min(rules.skip, len(ids) - 1),
            is_truncated=excess > 0,
            output=rules.output,
        )

    def _given_ids(self, given: Sequence[int], index: int, rules: Rules) -> list[int]:
        """A caller's ids as content: the template's own are not doubled."""
        ids = list(given)
        wrong = next((i for i in ids if not 0 <= i < self._vocabulary), None)
        if wrong is not None:
            raise InvalidInputError(
                f"input {index} has the token id {wrong}, "
                f"the model's are 0 to {self._vocabulary - 1}"
            )
        if self._prefix and ids[: len(self._prefix)] == self._prefix:
            ids = ids[len(self._prefix) :]
        if self._suffix and ids[-len(self._suffix) :] == self._suffix:
            ids = ids[: -len(self._suffix)]
        return rules.before + ids + rules.after

    def _glance(self, text: str, index: int, rules: Rules) -> list[int] | None:
        """A long text's tokens from its first (last) characters alone.

        None where the text has to be read whole. The result is that of the whole text
        once cut: tokenizers split into words before they do anything else, from left
        to right, so words well inside the part looked at do not depend on the rest.
        Raises `InputTooLongError` for a text that is too long to be read whole.
        """
        most = CHARACTERS_PER_TOKEN * rules.limit
        if rules.truncate is not Truncate.ERROR:
            for size in (GLANCE_PER_TOKEN * rules.limit, most):
                if size < len(text):
                    ids = self._settled(text, size, rules)
                    if len(ids) > rules.room:
                        return ids
        if len(text) > most:
            raise InputTooLongError(
                index=index, tokens=len(text), limit=most, unit="characters"
            )
        return None

    def _settled(self, text: str, size: int, rules: Rules) -> list[int]:
        """Ids of the part's words that the text beyond `size` characters cannot touch.

        A cut at the end may touch the last two words. One before a space, at the start,
        may touch the word after it, where a special token would swallow the space.
        """
        if rules.truncate is Truncate.END:
            part = self._tokenizer.encode(
                rules.prompt.before + text[:size], add_special_tokens=False
            )
            last = next((w for w in reversed(part.word_ids) if w is not None), 0)
            return [
                token
                for token, word in zip(part.ids, part.word_ids, strict=True)
                if word is not None and word < last - 1
            ]
        start = text.find(" ", len(text) - size)
        if start < 0 or text[start - 1].isspace():
            return []
        part = self._tokenizer.encode(
            text[start:] + rules.prompt.after, add_special_tokens=False
        )
        return rules.before + [
            token
            for token, word in zip(part.ids, part.word_ids, strict=True)
            if word is not None and word > 0
        ]

    def _encode(
        self, texts: Sequence[tuple[int, str]], rules: Rules
    ) -> list[list[int]]:
        whole = [self.joined(text, rules) for _, text in texts]
        encodings = self._tokenizer.encode_batch_fast(whole, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def joined(self, text: str, rules: Rules) -> str:
        """A text between what goes before it and after it."""
        return rules.prompt.before + text + rules.prompt.after

    def ids_of(self, *names: str) -> list[int]:
        """The ids of the tokens that tokenizer_config.json gives these names."""
        tokens = (self._named.get(name) for name in names)
        found = (
            self._tokenizer.token_to_id(
                token["content"] if isinstance(token, dict) else token
            )
            for token in tokens
            if token
        )
        return [number for number in found if number is not None]

    def content_ids(self, text: str) -> list[int]:
        """A text's ids without the template's."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def check_characters(text: str, index: int | None) -> None:
    """Refuse what is not Unicode text: the tokenizer would fail on the whole batch."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = "the instruction" if index is None else f"input {index}"
        raise InvalidInputError(f"{what} holds half of a surrogate pair") from error


def _read(folder: Path) -> Tokenizer:
    path = layout.transformer_folder(folder) / "tokenizer.json"
    if not path.is_file():
        raise ModelUnavailableError("the model's tokenizer is not on this disk")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelUnavailableError("the model's tokenizer cannot be read") from error
    # Published files carry the truncation and padding of their training.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if layout.module_config(folder).get("do_lower_case"):
        steps = [normalizers.Lowercase()]
        if tokenizer.normalizer is not None:
            steps.append(tokenizer.normalizer)
        tokenizer.normalizer = normalizers.Sequence(steps)
    return tokenizer
