"""Where things lie in a Sentence Transformers folder, and the lengths it declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.manifest import read_json, read_mapping

#: Tokenizers say "no limit" with a number near 10^30.
LARGEST_SANE_LENGTH = 1_000_000
#: Their first position comes after the pad token's, so they take fewer tokens than
#: their table has rows.
OFFSET_POSITIONS = frozenset(
    {"camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"}
)
#: Files with bge-m3's head of one number per token; the first that is there is read.
LEXICAL_HEADS = ("sparse_linear.safetensors", "sparse_linear.pt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleEntry:
    """One line of modules.json: a dotted type and a path below the folder."""

    type: str
    path: str

    @property
    def kind(self) -> str:
        """The class's own name, of old and new dotted forms alike."""
        return self.type.rsplit(".", 1)[-1]


def modules(folder: Path) -> tuple[ModuleEntry, ...]:
    """The folder's modules in order; empty where it has no modules.json."""
    entries = read_json(folder / "modules.json") or []
    try:
        return tuple(
            ModuleEntry(type=str(entry["type"]), path=check_path(str(entry["path"])))
            for entry in entries
        )
    except (KeyError, TypeError) as error:
        raise ModelUnavailableError("modules.json is not a list of modules") from error


def check_path(path: str) -> str:
    """The path; raises `ModelUnavailableError` where it leads out of its folder."""
    place = PurePosixPath(path)
    if place.is_absolute() or ".." in place.parts:
        raise ModelUnavailableError(f"the path {path} leads out of the model folder")
    return path


def lexical_head(folder: Path) -> Path | None:
    """The file of bge-m3's second head, where the folder has one."""
    paths = (folder / name for name in LEXICAL_HEADS)
    return next((path for path in paths if path.is_file()), None)


def transformer_folder(folder: Path) -> Path:
    """Where the first module's files and the tokenizer lie: mostly the root."""
    entries = modules(folder)
    return folder / entries[0].path if entries else folder


def config(folder: Path) -> Mapping[str, Any]:
    """The transformer's own config.json."""
    return read_mapping(transformer_folder(folder) / "config.json")


def module_config(folder: Path) -> Mapping[str, Any]:
    """The first module's sentence_*_config.json, of whichever name; empty without."""
    for path in sorted(transformer_folder(folder).glob("sentence_*_config.json")):
        return read_mapping(path)
    return {}


def usable_positions(folder: Path) -> int | None:
    """Tokens the transformer's position table takes; None where it has no table."""
    facts = config(folder)
    positions = facts.get("max_position_embeddings")
    if not isinstance(positions, int) or positions <= 0:
        return None
    if facts.get("model_type") in OFFSET_POSITIONS:
        pad = facts.get("pad_token_id")
        return positions - 1 - (pad if isinstance(pad, int) else 1)
    return positions


def max_tokens(folder: Path) -> int:
    """Tokens a text may have, specials included: what is declared, clamped to usable.

    Raises `ModelUnavailableError` where the folder tells no limit at all.
    """
    tokenizer = read_mapping(transformer_folder(folder) / "tokenizer_config.json")
    declared = module_config(folder).get("max_seq_length")
    limits = (declared or tokenizer.get("model_max_length"), usable_positions(folder))
    sane = [n for n in limits if isinstance(n, int) and 0 < n <= LARGEST_SANE_LENGTH]
    if not sane:
        raise ModelUnavailableError("the folder declares no maximum length")
    return min(sane)


def prompts(folder: Path) -> dict[str, str]:
    """Prefixes by name, the default one also under the empty name."""
    facts = read_mapping(folder / "config_sentence_transformers.json")
    named = {str(k): str(v) for k, v in (facts.get("prompts") or {}).items()}
    default = facts.get("default_prompt_name")
    if default is not None:
        named[""] = named.get(str(default), "")
    return named


def truncated_dimensions(folder: Path) -> int | None:
    """The length to which the folder wants its vectors cut, where it wants that."""
    facts = read_mapping(folder / "config_sentence_transformers.json")
    length = facts.get("truncate_dim")
    return length if isinstance(length, int) and length > 0 else None
