"""Metering: every admitted request is a durable row before its answer leaves."""

from accounts.metering.inline import InlineMeter
from accounts.metering.meter import Meter
from accounts.metering.present import Settles, close_meter, get_meter, use_meter
from accounts.metering.usage import Usage, new_event_id

__all__ = [
    "InlineMeter",
    "Meter",
    "Settles",
    "Usage",
    "close_meter",
    "get_meter",
    "new_event_id",
    "use_meter",
]
