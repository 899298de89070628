"""gunicorn's log lines, through the platform's one log."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from gunicorn import glogging

from config.logging import without_credentials


class GunicornLogger(glogging.Logger):
    """Hands lines to the root logger; access lines hold no query, header or key."""

    def setup(self, cfg: Any) -> None:
        """Drop the handlers that gunicorn would write with."""
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True

    def access(
        self,
        resp: Any,
        req: Any,
        environ: dict[str, Any],
        request_time: timedelta,
    ) -> None:
        """Write one line about a request that was answered."""
        if not settings.ACCESS_LOG:
            return
        self.access_log.info(
            "request",
            extra={
                "method": req.method,
                "path": without_credentials(req.path),
                "status": int(resp.status.split()[0]),
                "response_bytes": resp.sent,
                "duration_ms": round(request_time.total_seconds() * 1000, 1),
                "client": environ.get("REMOTE_ADDR", ""),
            },
        )
