"""Metering: nothing is served that is not admitted, and all that is becomes a row."""

from accounts.metering.entries import Ask, Claim, Reservation
from accounts.metering.meter import Meter
from accounts.metering.present import Meters, close_meter, get_meter, use_meter
from accounts.metering.usage import Usage, new_event_id

__all__ = [
    "Ask",
    "Claim",
    "Meter",
    "Meters",
    "Reservation",
    "Usage",
    "close_meter",
    "get_meter",
    "new_event_id",
    "use_meter",
]
