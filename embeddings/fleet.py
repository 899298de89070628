"""What serving processes tell each other: their engines' state, operators' wishes."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from embeddings import process
from embeddings.catalog.lookup import entry_of
from embeddings.engine.errors import EngineError
from embeddings.engine.spec import Call, ModelSpec
from embeddings.models import EngineCommand, EngineProcess

logger = logging.getLogger(__name__)

EVERY_S = 2.0
#: A process that was not heard of for so long is gone.
GONE_AFTER = timedelta(seconds=60)
#: Commands are forgotten once no process can have missed them.
COMMANDS_FOR = timedelta(hours=1)
#: For loading a large model from a slow disk.
LONGEST_LOAD_S = 600.0


class Reporter:
    """Describes this process's engine every few seconds and carries out commands.

    A thread of its own, on a connection that it gives back each time. Without the
    database it goes on trying, and says so once.
    """

    def __init__(self, *, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._id: UUID = uuid4()
        self._started_at: datetime = timezone.now()
        self._last_command = 0
        self._knows_commands = False
        self._is_cut_off = False
        self._stopped = threading.Event()
        self._work = ThreadPoolExecutor(1, thread_name_prefix="engine-commands")
        self._thread = threading.Thread(
            target=self._run, name="engine-reports", daemon=True
        )

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 2.0) -> None:
        """End, and take this process's row away."""
        self._stopped.set()
        self._work.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def tick(self) -> None:
        """Report once, and begin what was asked for since the last time."""
        now = timezone.now()
        status = process.status()
        EngineProcess.objects.bulk_create(
            [
                EngineProcess(
                    id=self._id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    started_at=self._started_at,
                    seen_at=now,
                    facts=asdict(status) if status else {},
                )
            ],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["seen_at", "facts"],
        )
        for command in self._new_commands():
            self._work.submit(_carry_out, command)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._try(self.tick)
        self._try(self._leave)

    def _leave(self) -> None:
        EngineProcess.objects.filter(pk=self._id).delete()

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (DatabaseError, InterfaceError) as error:
            if not self._is_cut_off:
                logger.warning("Engine reports do not reach the database: %s", error)
            self._is_cut_off = True
        except Exception:
            logger.exception("An engine report failed; the next one follows.")
        else:
            self._is_cut_off = False
        finally:
            connection.close()

    def _new_commands(self) -> list[EngineCommand]:
        """Those given since the last look; at the first, since the start."""
        commands = EngineCommand.objects.select_related("model__provider")
        if not self._knows_commands:
            self._knows_commands = True
            found = list(commands.filter(created_at__gte=self._started_at))
            newest = EngineCommand.objects.order_by("-pk").first()
            self._last_command = newest.pk if newest else 0
            tidy()
            return found
        found = list(commands.filter(pk__gt=self._last_command))
        if found:
            self._last_command = found[-1].pk
        return found


def tidy() -> None:
    """Forget processes that are gone and commands that everybody has read."""
    now = timezone.now()
    EngineProcess.objects.filter(seen_at__lt=now - GONE_AFTER).delete()
    EngineCommand.objects.filter(created_at__lt=now - COMMANDS_FOR).delete()


def _carry_out(command: EngineCommand) -> None:
    """Do what a command says, as far as this machine has the model; never raises."""
    try:
        spec = entry_of(command.model).spec
        if spec is not None and spec.endpoint is None:
            ACTIONS[EngineCommand.Action(command.action)](spec)
    except EngineError as error:
        logger.warning("%s: %s", command, error)
    except Exception:
        logger.exception("%s failed", command)
    finally:
        connection.close()


def _warm(spec: ModelSpec) -> None:
    deadline = time.monotonic() + LONGEST_LOAD_S
    process.get_engine().load(spec, Call(tenant=process.PLATFORM, deadline=deadline))


def _unload(spec: ModelSpec) -> None:
    process.get_engine().unload(spec)


def _retry(spec: ModelSpec) -> None:
    process.get_engine().retry(spec)
    _warm(spec)


ACTIONS = {
    EngineCommand.Action.WARM: _warm,
    EngineCommand.Action.UNLOAD: _unload,
    EngineCommand.Action.RETRY: _retry,
}
