"""Logs: one JSON object per line, or words for a terminal; never a credential."""

import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from accounts.encryption import MARK

JSON = "json"
CONSOLE = "console"

#: An API key of ours, whatever follows the name of a scheme, what stands in a path
#: where a key may stand, however that is written, and what is encrypted.
CREDENTIAL = re.compile(
    r"(emb_live_)[0-9A-Za-z]+"
    r"|(\bBearer\s+)[^\s'\",]+"
    r"|((?:/|%2f)(?:t|%74)(?:/|%2f))[^\s/'\"?#]+"
    rf"|{MARK}[\w-]{{20,}}=*",
    re.IGNORECASE,
)

EventDict = MutableMapping[str, Any]


def default_format() -> str:
    """Words on a terminal, JSON elsewhere."""
    return CONSOLE if sys.stderr.isatty() else JSON


def hide_credentials(_: object, __: str, event: EventDict) -> EventDict:
    """Cut out what looks like a credential, wherever in the line it stands."""
    # Django's lines carry the request, whose text has the query: a key may be in it.
    event.pop("request", None)
    for name, value in event.items():
        text = value if isinstance(value, str) else repr(value)
        if CREDENTIAL.search(text):
            event[name] = without_credentials(text)
    return event


def without_credentials(text: str) -> str:
    """The text with what looks like a credential cut out."""
    return CREDENTIAL.sub(r"\1\2\3***", text)


def configuration(*, level: str, log_format: str) -> dict[str, Any]:
    """Django's LOGGING for a level and one of the formats."""
    processors: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        hide_credentials,
        structlog.processors.JSONRenderer()
        if log_format == JSON
        else structlog.dev.ConsoleRenderer(colors=False),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": processors,
                "foreign_pre_chain": [
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.ExtraAdder(),
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Its own handlers would write every line twice.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "axes": {"level": "WARNING"},
            # The pool says itself what it loads.
            "sentence_transformers": {"level": "WARNING"},
            # What it tells at DEBUG is what vendors sent, which may repeat texts.
            "httpcore2": {"level": "INFO"},
            "httpx2": {"level": "INFO"},
        },
    }
