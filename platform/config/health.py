"""Whether the process lives, and whether it can serve."""

import logging
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from embeddings import process

logger = logging.getLogger(__name__)

#: How long a verdict holds, so that strangers cannot make us work.
VERDICT_AGE_S = 3.0
#: How long an older one is told while a new one is being formed.
STALE_AGE_S = 15.0


class NotReadyError(Exception):
    """A part is missing; the message names it, for the log."""


class Readiness:
    """The last verdict, renewed by one thread at a time; the others never wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_ready = False
        self._judged_at = float("-inf")

    def is_ready(self) -> bool:
        """Whether database, schema and models serve; at most some seconds old."""
        if not self._lock.acquire(blocking=False):
            # Or a probe that hangs would hang every thread that strangers ask.
            return self._is_ready and self._age_s() <= STALE_AGE_S
        try:
            if self._age_s() > VERDICT_AGE_S:
                self._is_ready = self._judge()
                self._judged_at = time.monotonic()
            return self._is_ready
        finally:
            self._lock.release()

    def _age_s(self) -> float:
        return time.monotonic() - self._judged_at

    def _judge(self) -> bool:
        try:
            check_migrations()
            process.probe()
        except Exception as error:
            # Once per outage with all there is to know, then in a line.
            logger.warning("not ready: %s", error, exc_info=self._is_ready)
            return False
        finally:
            connection.close()
        return True


def check_migrations() -> None:
    """Raise `NotReadyError` when the database is away or older than the code."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReadyError(f"the database does not answer: {error}") from error
    if missing:
        raise NotReadyError(f"{len(missing)} migrations are not applied")


_readiness = Readiness()


def _json_only(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Refuse other methods than GET and HEAD in JSON, before CSRF's page does."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        refusal = JsonResponse({"error": "method not allowed"}, status=405)
        refusal.headers["Allow"] = "GET, HEAD"
        return refusal

    return answer


@_json_only
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@_json_only
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 -- Django's signature
    """200 when requests can be served, else 503; the log says why."""
    if _readiness.is_ready():
        return JsonResponse({"status": "ok"})
    response = JsonResponse({"status": "unavailable"}, status=503)
    response.headers["Retry-After"] = str(int(VERDICT_AGE_S))
    return response
