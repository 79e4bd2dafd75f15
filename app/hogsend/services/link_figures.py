"""The clicks on the links of templates."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.engagement import LinkTotal
from ..store import link_totals
from .actor import Actor, Permission
from .context import ServiceContext

__all__ = ["LinkTotal", "list_link_totals"]


async def list_link_totals(context: ServiceContext, actor: Actor, key: str) -> Sequence[LinkTotal]:
    """Return the links of a template that were clicked, those with most clicks of people first.

    Args:
        context: has the figures.
        actor: who asks.
        key: the template.

    Raises:
        Forbidden: the actor may not read.
    """
    actor.require(Permission.READ)
    return await context.database.read_one(link_totals.find_by_template(key))
