"""A registration cannot be deleted while projects use it.

The rule is documented (article 20000953); the API's own wording is not public, so the patterns below follow the
documented idea and are unverified.
"""

from __future__ import annotations

from ekm_core.model import (
    Cause,
    Fix,
    KnownError,
    Link,
    Look,
    NearMiss,
    Provider,
    Sample,
    Signature,
    Values,
)
from ekm_core.openai import snippets
from ekm_core.rulings import undecided
from ekm_core.vendor import API_GUIDE, REVOCATION_GUIDE

_WHO = "Owner of the OpenAI organization"
_KEY = r"(?:external key|external_key|extkey_\w{0,60}|key config(?:uration)?)"
_USERS = r"(?:active |live |existing )?(?:api )?(?:projects?|workspaces?)"


def _look(values: Values) -> Look:
    return Look(
        console=("Show the registration and read api_project_ids and workspace_id: those use the key.",),
        commands=(snippets.retrieve(values), snippets.list_projects()),
    )


ERROR = KnownError(
    id="openai-key-in-use",
    provider=Provider.OPENAI,
    title="The registration cannot be deleted: projects use the key",
    summary=(
        "OpenAI refuses to delete a registration while a live project or workspace uses it. What they stored could not "
        "be read any more."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature(
            "associated",
            rf"{_KEY}.{{0,80}}(?:associated with|attached to|linked to|used by|in use by).{{0,40}}{_USERS}",
            weight=0.8,
            needs=(r"delet|remov|cannot|can't|active",),
        ),
        Signature(
            "cannot-delete",
            rf"(?:cannot|can't|can not|unable to) (?:delete|remove).{{0,60}}{_KEY}.{{0,80}}{_USERS}",
            weight=0.8,
        ),
    ),
    causes=(
        Cause(
            id="live-projects",
            title="A live project or workspace uses the key",
            why="The registration names the projects and the workspace that use it. As long as one is live, it stays.",
            check=undecided("Show the registration and see whether api_project_ids holds any project."),
            look=_look,
            fix=lambda values: Fix(
                summary=(
                    "Archive the projects that use the key, once you no longer need what they hold, then delete the "
                    "registration. To cut OpenAI's access at once, revoke it in your cloud instead."
                ),
                console=(
                    "Show the registration and note its projects and workspace.",
                    "Archive each project at platform.openai.com, Settings, Project. An archived project can no "
                    "longer be used.",
                    "Delete the registration.",
                ),
                cli=(snippets.retrieve(values), snippets.delete(values)),
                verify=(snippets.list_keys(),),
            ),
            who=_WHO,
        ),
    ),
    references=(API_GUIDE, REVOCATION_GUIDE),
    samples=(
        Sample("The external key extkey_abc123 is associated with active projects and cannot be deleted."),
        Sample("Cannot delete external key: it is used by 2 active projects."),
    ),
    near_misses=(
        NearMiss(
            "The API key belongs to a service account and cannot be deleted.", why="an API key, not an external key"
        ),
        NearMiss("An external key can be used by several projects.", why="a description, no refusal"),
    ),
)
