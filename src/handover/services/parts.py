"""The parts of the running service, as the doors are handed them."""

from dataclasses import dataclass

from handover.services.hub import Hub
from handover.services.limits import Limits
from handover.services.metrics import Metrics
from handover.services.passwords import Hasher
from handover.services.sessions import Sessions
from handover.services.unit_of_work import Desk


@dataclass(frozen=True, slots=True)
class Parts:
    """Put together once, by `create_app`."""

    desk: Desk
    sessions: Sessions
    hasher: Hasher
    hub: Hub
    metrics: Metrics
    limits: Limits
