"""The route of statistics."""

from __future__ import annotations

from typing import Any

from ...chat.stats import stats
from ...schemas import backoffice
from ...schemas.values import StatsSchema
from ..operations import Call, Routes

routes = Routes(caller="key")


@routes("GET /stats", query=backoffice.StatsQuery, response=StatsSchema)
def get_stats(call: Call) -> Any:
    """Get statistics of the last days: conversations, responses and ratings."""
    return stats(call.state.db, call.query["period"], call.project_id)
