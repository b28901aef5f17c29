"""Which values of a paste are good enough for a snippet, and what follows from the ones we have.

People mask what they paste (``***``, ``xxxx``, ``<account>``); a masked value is worth showing and never worth copying
into a policy. Patterns run on single values of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ekm_core import vendor

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"

# Sources: the providers' own naming rules as documented, read 2026-11-23; the registration's patterns are those of
# article 20000953 (see vendor). Values not named here (action, permission, codes …) never enter a snippet unquoted and
# are taken as found.
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "organization_id": r"org-[A-Za-z0-9]{8,60}",
        "external_id": r"(?:org-|proj_)[A-Za-z0-9]{6,60}",
        "openai_project_id": r"proj_[A-Za-z0-9]{6,60}",
        "account_id": r"\d{12}",
        "region": r"[a-z]{2}(?:-[a-z]{2,9}){1,2}-\d",
        "role_arn": r"arn:aws[a-z-]{0,12}:iam::\d{12}:role/[\w+=,.@/-]{1,512}",
        "kms_key": r"arn:aws[a-z-]{0,12}:kms:[a-z0-9-]{2,30}:\d{12}:"
        r"(?:key/(?:mrk-[0-9a-f]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|alias/[\w/-]{1,256})",
        "project_number": r"\d{5,19}",
        "project_id": _PROJECT,
        "pool_id": r"[a-z0-9-]{4,32}",
        "provider_id": r"[a-z0-9-]{4,32}",
        "audience": r"(?:org-|proj_)[A-Za-z0-9]{6,60}",
        "location": r"[a-z]+(?:-[a-z]+[0-9]{0,2})?",
        "key_ring": r"[a-zA-Z0-9_-]{1,63}",
        "key_name": r"[a-zA-Z0-9_-]{1,127}",
        "tenant_id": _GUID,
        "subscription_id": _GUID,
        "app_id": _GUID,
        "object_id": _GUID,
        "vault": r"[a-zA-Z](?:[a-zA-Z0-9]|-(?=[a-zA-Z0-9])){2,23}",
        "resource_group": r"[\w.()-]{0,89}[\w()-]",
    }.items()
}
_SESSION = re.compile(r"arn:(aws[a-z-]{0,12}):sts::(\d{12}):assumed-role/([\w+=,.@-]{1,64})/.{1,200}")
# Without the flag for both cases and without ^ it is looked for only where one of its first letters stands.
_MASKED = re.compile(
    r"[xX]{4}|\*\*|###|[yY][oO][uU][rR][_-]|[eE][xX][aA][mM][pP][lL][eE]|[pP][lL][aA][cC][eE][hH][oO][lL][dD][eE][rR]"
)
_COUNTED = ("1234567890", "12345678-1234")


def well_formed(name: str, value: str) -> bool:
    """Whether a value READ FROM A TEXT may enter a snippet: it fits its field's form and is not a mask."""
    pattern = _PATTERNS.get(name)
    if pattern is None:
        return True
    if name in ("role_arn", "account_id") and vendor.AWS_ACCOUNT in value:
        return False  # OpenAI's own role and account are never the customer's
    if len(value) > 600 or pattern.fullmatch(value) is None or _MASKED.search(value) is not None:
        return False
    return not value.startswith(_COUNTED) and value.strip("0") != ""


def derive(known: Mapping[str, str]) -> dict[str, str]:
    """The values with what follows from them; a value that is there is never replaced.

    OpenAI recommends the organization id as ExternalId and as audience (articles 20000947 and 20000955). The role
    behind a KMS denial is the role of the calling session; an assumed-role ARN does not show a role's path.
    """
    values = dict(known)
    action = values.get("action", "")
    session = _SESSION.fullmatch(values.get("principal", ""))
    if session and action.lower().startswith("kms:") and session[2] != vendor.AWS_ACCOUNT:
        values.setdefault("role_arn", f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}")
    organization = values.get("organization_id") or next(
        (values[name] for name in ("external_id", "audience") if values.get(name, "").startswith("org-")), ""
    )
    if organization:
        for name in ("organization_id", "external_id", "audience"):
            values.setdefault(name, organization)
    for name, field in (("kms_key", 4), ("role_arn", 4)):
        parts = values.get(name, "").split(":")
        if len(parts) > field and re.fullmatch(r"\d{12}", parts[field]):
            values.setdefault("account_id", parts[field])
    parts = values.get("kms_key", "").split(":")
    if len(parts) > 4 and re.fullmatch(_PATTERNS["region"], parts[3]):
        values.setdefault("region", parts[3])
    return values
