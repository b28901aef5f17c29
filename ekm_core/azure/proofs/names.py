"""The registered key name against the form that OpenAI's API demands: the configuration alone decides.

Facts: article 20000955 (the pattern, and that the organization id in it is compared), read on 2026-11-23.
"""

from __future__ import annotations

import re

from ekm_core.azure.proofs.setting import Setting, fails, holds, is_masked, proves, stays_open
from ekm_core.model import Ruling
from ekm_core.pasted import shown

_NOT_ALLOWED = re.compile(r"[^0-9a-zA-Z-]")
_IN_ADDRESS = re.compile(r"/keys/([^/?#]{1,200})")
_ORGANIZATION = re.compile(r"org-[0-9a-zA-Z]{1,80}")


def _name(known: Setting) -> str | Ruling:
    """The key's name, out of a whole address too, or the ruling where there is none to judge."""
    given = known.key_name
    if not given:
        return stays_open("The configuration names no key_name.")
    if is_masked(given):
        return stays_open("The key_name is masked or a placeholder. Give the one that you registered.")
    found = _IN_ADDRESS.search(given)
    return found[1] if found else given


def _where(known: Setting) -> tuple[str, ...]:
    return (f"Configuration: key_name {shown(known.key_name)}.",)


@proves
def no_prefix(known: Setting) -> Ruling:
    """The name does not begin with ``org-``."""
    name = _name(known)
    if isinstance(name, Ruling):
        return name
    if name.startswith("org-"):
        return fails("The name begins with org-.", _where(known))
    return holds("The name does not begin with org- in small letters.", _where(known))


@proves
def no_dashes(known: Setting) -> Ruling:
    """Two dashes do not divide the organization id from the rest."""
    name = _name(known)
    if isinstance(name, Ruling):
        return name
    if not name.startswith("org-"):
        return fails("The name carries no organization id to divide from the rest.", _where(known))
    if "--" in name:
        return fails("The name holds two dashes in a row.", _where(known))
    return holds("The name nowhere holds two dashes in a row.", _where(known))


@proves
def forbidden_character(known: Setting) -> Ruling:
    """The name holds a character other than letters, digits and dashes."""
    name = _name(known)
    if isinstance(name, Ruling):
        return name
    wrong = dict.fromkeys(_NOT_ALLOWED.findall(known.key_name))
    if not wrong:
        return fails("The name holds letters, digits and dashes only.", _where(known))
    listed = " ".join("(blank)" if sign.isspace() else shown(sign) for sign in list(wrong)[:5])
    return holds(f"The value holds {listed}. Only letters, digits and dashes are allowed.", _where(known))


@proves
def other_organization(known: Setting) -> Ruling:
    """The name carries another organization's id than the one that the key is for."""
    name, organization = _name(known), known.organization
    if isinstance(name, Ruling):
        return name
    if not name.startswith("org-"):
        return fails("The name carries no organization id at all.", _where(known))
    if not _ORGANIZATION.fullmatch(organization) or is_masked(organization):
        return stays_open("We do not know your organization id. It begins with org-. Give it too, and we compare them.")
    where = (*_where(known), f"Your organization: {organization}.")
    if re.match(rf"{re.escape(organization)}(?![0-9a-zA-Z])", name):
        return fails("The name begins with your organization id.", where)
    if name.lower().startswith(organization.lower()):
        return stays_open(
            "The name resembles your organization id and is not the same. Compare the letters, large and small, and "
            "what follows the id."
        )
    return holds(
        f"The name does not begin with your organization id {organization}. OpenAI compares the two at registration "
        "and on every request. If the id that you gave is the wrong one, correct that instead.",
        where,
    )
