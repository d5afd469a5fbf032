"""Which project's inbox an operator gets: the page of the inbox and its token ask here."""

from __future__ import annotations

from ..chat.projects import find_projects
from ..errors import Forbidden
from ..state import State
from ..values import Operator, Project


def projects_of(state: State, operator: Operator) -> list[Project]:
    """Return the projects whose inbox an operator may open."""
    return find_projects(state.db, operator.projects or (state.default_project,))


def choose_project(allowed: list[Project], wanted: str | None, default: str) -> Project:
    """Return the project that an operator asks for, or else the default one or the first that they may see.

    :raises Forbidden: if they may not see it. `details` names the project, so that the inbox can tell this from
        somebody who is not an operator.
    """
    by_id = {project.id: project for project in allowed}
    if wanted is None:
        wanted = default if default in by_id else next(iter(by_id), None)
    if wanted is None or wanted not in by_id:
        # Whether it exists is told to nobody else.
        reason = "You may not open the inbox of this project."
        raise Forbidden(reason, details={"project": [reason]})
    return by_id[wanted]
