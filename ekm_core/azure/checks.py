"""What the text of an Azure or OpenAI error decides by itself: pure functions from a case to a ruling.

A check confirms or rules out a cause only with words of the paste that prove it. A masked value (xxxxx, ***, <id>)
proves nothing. A value counts as the user's own only where it was typed (``Case.typed``): a value that was itself read
from the error cannot be compared with the error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ekm_core.model import Case, Check, Ruling
from ekm_core.rulings import cannot_tell, confirmed, ruled_out, undecided
from ekm_core.vendor import AZURE_APP_ID, AZURE_APP_NAME, AZURE_KEY_NAME_PATTERN

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_ONE_GUID = rf"['\"]?(?P<value>{_GUID})(?![0-9a-fA-F-])"
_FULL_GUID = re.compile(rf"{_GUID}\Z")
# The application that made the failing call, in the three sentences that name it. Not the application that AADSTS650052
# names: that one is the service which was asked for.
_CALLER = re.compile(rf"(?:\bappid ?= ?|client application:? |application with identifier ){_ONE_GUID}", re.IGNORECASE)
_TENANT = re.compile(
    rf"(?:service principal in the tenant:? |was not found in the directory ){_ONE_GUID}", re.IGNORECASE
)
_OBJECT = re.compile(rf"\boid ?= ?(?P<value>{_GUID})(?![0-9a-fA-F-])", re.IGNORECASE)
_ACTION = re.compile(r"\bMicrosoft\.KeyVault/vaults/(?P<value>[a-z]{2,20}/[a-zA-Z/]{2,40})", re.IGNORECASE)
_VAULT = re.compile(
    r"(?:\bVault: ?|providers/microsoft\.keyvault/vaults/)(?P<value>[0-9a-zA-Z-]{3,24})(?![0-9a-zA-Z*<.-])",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"providers/microsoft\.keyvault/vaults/[0-9a-zA-Z-]{3,24}/keys/(?P<value>[0-9a-zA-Z-]{1,127})(?![0-9a-zA-Z*<.-])",
    re.IGNORECASE,
)
_NO_ASSIGNMENT = re.compile(r"Assignment: ?\(not found\)", re.IGNORECASE)
_ASSIGNMENT = re.compile(rf"\bAssignment: ?'?(?P<value>[^ ';,]{{0,200}}{_GUID})", re.IGNORECASE)
_NO_DENY = re.compile(r"DenyAssignmentId: ?'?null", re.IGNORECASE)
_DENY = re.compile(rf"DenyAssignmentId: ?'?(?P<value>[^ ';,]{{0,200}}{_GUID})", re.IGNORECASE)
_RBAC = re.compile(r"ForbiddenByRbac|DeniedWithNoValidRBAC", re.IGNORECASE)
_SERVICE = re.compile(
    r"(?:lacks a service principal for|trying to access a service|needs access to a service)", re.IGNORECASE
)
_CLIENT = re.compile(r"missing service principal in|was not found in the directory", re.IGNORECASE)
_REFUSED = re.compile(r"Authorization_RequestDenied|Insufficient privileges to complete the operation", re.IGNORECASE)
_NAME_SENT = re.compile(r"[\"']?\bkey_name[\"']? ?[:=] ?[\"'](?P<value>[^\"']{1,200})[\"']")
_NAME_ERROR = re.compile(r"Invalid ['\"]?key_name['\"]?|\^org-\[0-9a-zA-Z-\]\*--", re.IGNORECASE)
# What people write over the real value.
_MASK = re.compile(r"[<>*…]|\.\.\.|\[.*\]|x{4}|#{3}|redacted|your[-_]", re.IGNORECASE)
# What people also write instead of a real name or id when they publish an error. A real value that looks like it costs
# us a verdict, never a wrong one.
_STAND_IN = re.compile(
    r"\bmy-?(?:key|vault|kv)|(?:key|vault)-?name|example|contoso|fabrikam|^(?:([0-9a-f])\1{7}-|12345678-1234-)",
    re.IGNORECASE,
)
_ISSUER = re.compile(rf"(?:\biss=|\bfound:? ?)https://sts\.windows\.net/{_ONE_GUID}", re.IGNORECASE)
_SCOPE = re.compile(
    rf"\bResource: ?'?(?P<value>/subscriptions/{_GUID}/resourcegroups/[\w().-]{{1,90}}/providers/microsoft\.keyvault/"
    r"vaults/[0-9a-z-]{3,24}/keys/[0-9a-z-]{1,127})(?![0-9a-z*<.-])",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(AZURE_KEY_NAME_PATTERN)
_NOT_IN_KEY_NAMES = re.compile(r"[^0-9a-zA-Z-]")


@dataclass(frozen=True, slots=True)
class _Found:
    """A value in the text with the words around it."""

    value: str
    quote: str


def _find(pattern: re.Pattern[str], case: Case) -> _Found | None:
    """The value where the text names exactly one (compared without case), else None: two values decide nothing.

    None also where the value is masked or a stand-in.
    """
    key = ("azure.find", pattern.pattern)
    if key not in case.memo:
        case.memo[key] = _only(pattern, case.text)
    found: _Found | None = case.memo[key]
    return found


def _only(pattern: re.Pattern[str], text: str) -> _Found | None:
    hits = {match["value"].casefold(): match for match in pattern.finditer(text)}
    if len(hits) != 1 or any(_MASK.search(value) or _STAND_IN.search(value) for value in hits):
        return None
    match = next(iter(hits.values()))
    return _Found(match["value"], match.group())


def confirmed_by(pattern: str, because: str, otherwise: str) -> Check:
    """A check that confirms where ``pattern`` (Python syntax, any case, linear) stands in the text."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def check(case: Case) -> Ruling:
        match = compiled.search(case.text)
        if match:
            return confirmed(because, match.group())
        return cannot_tell(otherwise)

    return check


def _typed(case: Case, name: str) -> str:
    """What the user typed under that name, or ""; masked values count as not typed."""
    value = case.values.get(name) if name in case.typed else ""
    return "" if _MASK.search(value) else value.strip()


def _meant(case: Case, name: str) -> str:
    """What the user typed as their own value, or "". A value that is merely registered may be the very fault."""
    value = _typed(case, name)
    registered = case.configuration.fields.values() if case.configuration else ()
    return "" if any(value.casefold() in field.casefold() for field in registered) else value


@dataclass(frozen=True, slots=True)
class Said:
    """What the words of an error name; "" where they do not, or name several, or a masked one.

    application: the caller. tenant: where a service principal is missing. scope: the ARM id of the key. issuer: the
    tenant that gave the caller its token.
    """

    application: str = ""
    object_id: str = ""
    tenant: str = ""
    vault: str = ""
    key: str = ""
    action: str = ""
    scope: str = ""
    issuer: str = ""


def said(case: Case) -> Said:
    """What the words of an error name."""
    patterns = (_CALLER, _OBJECT, _TENANT, _VAULT, _KEY, _ACTION, _SCOPE, _ISSUER)
    return Said(*(found.value if (found := _find(pattern, case)) else "" for pattern in patterns))


def _openai_called(case: Case) -> _Found | None:
    caller = _find(_CALLER, case)
    return caller if caller and caller.value.casefold() == AZURE_APP_ID else None


def _other_caller(case: Case) -> _Found | None:
    """An application that is not OpenAI's, where the text names it as the only caller."""
    caller = _find(_CALLER, case)
    return caller if caller and caller.value.casefold() != AZURE_APP_ID else None


def _about_openai(check: Check) -> Check:
    """The check, unless another application failed: that says nothing about OpenAI's access, neither good nor bad."""

    def only_openais(case: Case) -> Ruling:
        if other := _other_caller(case):
            return cannot_tell(
                f"The error names the application {other.value}, which is not OpenAI's. So it says nothing about this "
                "cause. Ask OpenAI to validate the key and paste that answer."
            )
        return check(case)

    return only_openais


def another_application(case: Case) -> Ruling:
    """The call was made by the user's own test or another application, not by OpenAI."""
    other = _other_caller(case)
    if other:
        return confirmed(
            f"The error names the application {other.value}. OpenAI's application is {AZURE_APP_ID}. "
            "So the error comes from another caller and does not show what OpenAI may do.",
            other.quote,
        )
    openai = _openai_called(case)
    if openai:
        return ruled_out("The error names OpenAI's own application as the caller.", openai.quote)
    action = _find(_ACTION, case)
    if action and not action.value.casefold().startswith("keys/"):
        return confirmed(
            "The refused action is not an action on a key. OpenAI's EKM only reads keys, encrypts and decrypts.",
            action.quote,
        )
    key = _find(_KEY, case)
    if key and not key.value.casefold().startswith("org-"):
        return cannot_tell(
            f"The request was for the key {key.value}, which has no org- prefix. OpenAI does not register such names: "
            "if that is the real name, this request was not OpenAI's."
        )
    return cannot_tell(
        f"The error does not show which application called. Look for the appid: OpenAI's is {AZURE_APP_ID}."
    )


# --- AADSTS7000229 and its siblings ----------------------------------------------------------------------------------


@_about_openai
def no_service_principal(case: Case) -> Ruling:
    """OpenAI's application has no service principal in the user's tenant."""
    openai, tenant, typed = _openai_called(case), _find(_TENANT, case), _meant(case, "tenant_id")
    if openai and tenant and _FULL_GUID.match(typed):
        if tenant.value.casefold() == typed.casefold():
            return confirmed(
                f"The error says that OpenAI's application has no service principal in {tenant.value}, "
                "which is the tenant you gave.",
                openai.quote,
                tenant.quote,
            )
        return cannot_tell(f"The error is about the tenant {tenant.value}. About your tenant {typed} it says nothing.")
    if tenant and not typed:
        return cannot_tell(
            f"The error is about the tenant {tenant.value}. Compare it with the tenant that owns your key vault: if "
            "they are the same, the service principal is missing there."
        )
    return cannot_tell(
        f"The error does not show both the application and the tenant. Look for the application {AZURE_APP_ID} in the "
        "tenant that owns your key vault."
    )


@_about_openai
def wrong_tenant(case: Case) -> Ruling:
    """The registration names another tenant than the user's."""
    openai, tenant, typed = _openai_called(case), _find(_TENANT, case), _meant(case, "tenant_id")
    if not tenant:
        return cannot_tell(
            "The error does not show which tenant was asked. Compare tenant_id of your registration with the tenant "
            "that owns your key vault."
        )
    if not _FULL_GUID.match(typed):
        return cannot_tell(
            "Compare the tenant of the error with the tenant that owns your key vault. Type the vault's tenant under "
            "Your values and we compare it for you."
        )
    if tenant.value.casefold() == typed.casefold():
        return ruled_out("OpenAI asked the tenant that you gave.", tenant.quote)
    if openai:
        return confirmed(
            f"OpenAI asked the tenant {tenant.value}. You gave {typed}. So the registered tenant is not yours.",
            openai.quote,
            tenant.quote,
        )
    return cannot_tell(
        f"The error is about the tenant {tenant.value}, not about {typed}. It does not show whether OpenAI made the "
        "call: compare the tenant_id of your registration."
    )


def openai_principal(because: str) -> Check:
    """A check for a cause about OpenAI's service principal that the text can rule out but never prove."""

    return _about_openai(undecided(because))


def creation_blocked(case: Case) -> Ruling:
    """The attempt to create the service principal was itself refused."""
    refused = _REFUSED.search(case.text)
    if refused:
        return confirmed(
            "Microsoft Graph refused the call for want of rights. Whoever ran it may not create service principals.",
            refused.group(),
        )
    return openai_principal(
        "Repeat the creation and read its answer. Authorization_RequestDenied means that your account may not create "
        "service principals, or that a consent policy of the tenant forbids it."
    )(case)


def service_missing(case: Case) -> Ruling:
    """The service that was asked for, not the calling application, has no service principal."""
    service, client = _SERVICE.search(case.text), _CLIENT.search(case.text)
    if service and not client:
        return confirmed(
            "The error says that your tenant has no service principal of the service that was asked for. It does not "
            "complain about the calling application.",
            service.group(),
        )
    if client and not service:
        return ruled_out("The error complains about the calling application, not the service.", client.group())
    return cannot_tell("Read whether the error speaks of the client application or of a service it needs.")


# --- ForbiddenByRbac -------------------------------------------------------------------------------------------------


@_about_openai
def wrong_key_or_vault(case: Case) -> Ruling:
    """OpenAI asked for another vault or key than the one the user means."""
    openai = _openai_called(case)
    same: list[str] = []
    for pattern, name, label in ((_VAULT, "vault", "vault"), (_KEY, "key_name", "key")):
        found, typed = _find(pattern, case), _meant(case, name)
        if not found or not typed:
            continue
        if found.value.casefold() == typed.casefold():
            same.append(label)
        elif openai:
            return confirmed(
                f"OpenAI asked for the {label} {found.value}. You gave {typed}.", openai.quote, found.quote
            )
        else:
            return cannot_tell(
                f"The error is about the {label} {found.value}, and you gave {typed}. It does not show whether OpenAI "
                "made the call: compare your registration."
            )
    if same:
        return cannot_tell(
            f"The {' and the '.join(same)} of the error agree with yours. Whether they exist, the error does not say: "
            "a key that does not exist gives the very same words."
        )
    return cannot_tell(
        "Compare vault_uri and key_name of your registration with the vault, sign by sign. A name that does not exist "
        "gives the very same words."
    )


def _assigned(case: Case) -> _Found | None:
    """The role assignment that the text names for OpenAI's own call."""
    return _find(_ASSIGNMENT, case) if _openai_called(case) else None


@_about_openai
def role_not_assigned(case: Case) -> Ruling:
    """No role is assigned to OpenAI's service principal for this key."""
    assigned = _assigned(case)
    if assigned:
        return ruled_out("The error names a role assignment of OpenAI's principal.", assigned.quote)
    if _NO_ASSIGNMENT.search(case.text):
        return cannot_tell(
            "Azure found no assignment that allows this action on this key (Assignment: not found). A role was never "
            "assigned, or it is assigned elsewhere, or it lacks the action, or the key does not exist. List the "
            "assignments of the key to see which."
        )
    return cannot_tell(f"List the role assignments of the key and look for {AZURE_APP_NAME} among them.")


@_about_openai
def role_lacks_action(case: Case) -> Ruling:
    """The assigned role lacks one of the data actions."""
    action = _find(_ACTION, case)
    name = action.quote if action else "the three key actions"
    if _assigned(case):
        return cannot_tell(
            f"A role is assigned, so this is likely. Open that role and see whether its data actions hold {name}."
        )
    return cannot_tell(f"Open the assigned role and see whether its data actions hold {name}.")


@_about_openai
def other_principal(case: Case) -> Ruling:
    """The role is assigned to another principal, or on another scope."""
    openai, principal, typed = _openai_called(case), _find(_OBJECT, case), _typed(case, "object_id")
    if openai and principal and _FULL_GUID.match(typed) and principal.value.casefold() != typed.casefold():
        return confirmed(
            f"OpenAI's service principal has the object id {principal.value}. You gave {typed}: a role assigned to "
            "that id does not reach OpenAI.",
            openai.quote,
            principal.quote,
        )
    hint = f" It must be {principal.value}." if openai and principal else ""
    return cannot_tell(
        "List the role assignments of the key. Compare the principal id with the object id of OpenAI's service "
        f"principal, and the scope with this key.{hint}"
    )


@_about_openai
def wrap_only_role(case: Case) -> Ruling:
    """Only a built-in role was assigned that cannot encrypt and decrypt."""
    return cannot_tell(
        "List the role assignments of the key. Key Vault Crypto Service Encryption User wraps and unwraps only; OpenAI "
        "encrypts and decrypts."
    )


def vault_mode(case: Case) -> Ruling:
    """The vault decides by access policies, so that roles do not count."""
    by_role = _RBAC.search(case.text)
    if by_role:
        return ruled_out("The vault decided by roles: this code belongs to that mode.", by_role.group())
    return cannot_tell("Look at the vault's permission model under Access configuration: it must be Azure RBAC.")


def deny_assignment(case: Case) -> Ruling:
    """A deny assignment forbids the action."""
    denied = _find(_DENY, case)
    if denied:
        return confirmed("The error names a deny assignment.", denied.quote)
    none = _NO_DENY.search(case.text)
    if none:
        return ruled_out("The error says that no deny assignment applies.", none.group())
    return cannot_tell("The line DenyAssignmentId is not in the text. List the deny assignments.")


# --- The key's name --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _KeyName:
    """The key name that was sent; ``quotes`` are the words that carry it, or the error that it earned."""

    value: str
    quotes: tuple[str, ...]


def _key_name(case: Case) -> _KeyName | Ruling:
    """The name to judge, or the ruling where there is none. A name in the pasted request counts before a typed one."""
    sent = {match["value"]: match.group() for match in _NAME_SENT.finditer(case.text)}
    if len(sent) == 1 and not any(map(_MASK.search, sent)):
        return _KeyName(next(iter(sent)), tuple(sent.values()))
    if sent:
        return cannot_tell("The text holds a masked key name, or several. Paste the one that was sent.")
    typed, error = _typed(case, "key_name"), _NAME_ERROR.search(case.text)
    if not typed or not error:
        return cannot_tell(
            "The error does not show the name that was sent. Type it as Key name under Your values, or paste the "
            "request with the error."
        )
    if _KEY_NAME.fullmatch(typed) and _typed(case, "organization_id") in ("", typed.partition("--")[0]):
        return cannot_tell(
            f"The name you gave, {typed}, has the right form. Compare it with the name that was really sent."
        )
    return _KeyName(typed, (error.group(),))


def no_prefix(case: Case) -> Ruling:
    """The name does not begin with ``org-``."""
    name = _key_name(case)
    if isinstance(name, Ruling):
        return name
    if name.value.startswith("org-"):
        return ruled_out(f"The name {name.value} begins with org-.", *name.quotes)
    return confirmed(f"The name {name.value} does not begin with org- in small letters.", *name.quotes)


def other_organization(case: Case) -> Ruling:
    """The name carries the id of another organization than the one the user typed."""
    name = _key_name(case)
    if isinstance(name, Ruling):
        return name
    if not name.value.startswith("org-"):
        return ruled_out(f"The name {name.value} carries no organization id at all.", *name.quotes)
    organization = _typed(case, "organization_id")
    if not organization.startswith("org-"):
        return cannot_tell(
            "Compare the part before the two dashes with your organization id. Type your organization id under Your "
            "values and we compare it for you."
        )
    if re.match(rf"{re.escape(organization)}(?![0-9a-zA-Z])", name.value):
        return ruled_out(f"The name begins with your organization id {organization}.", *name.quotes)
    if name.value.casefold().startswith(organization.casefold()):
        return cannot_tell(
            f"The name {name.value} resembles your organization id {organization}, but is not the same. Compare the "
            "letters, large and small, and what follows the id."
        )
    return confirmed(
        f"The name {name.value} does not begin with your organization id {organization}. OpenAI compares the two at "
        "registration and on every request.",
        *name.quotes,
    )


def forbidden_character(case: Case) -> Ruling:
    """The name holds a character other than letters, digits and dashes."""
    name = _key_name(case)
    if isinstance(name, Ruling):
        return name
    wrong = list(dict.fromkeys(_NOT_IN_KEY_NAMES.findall(name.value)))
    if wrong:
        listed = " ".join("(blank)" if sign.isspace() else sign for sign in wrong)
        return confirmed(f"The name {name.value} holds {listed}: only letters, digits and dashes.", *name.quotes)
    return ruled_out(f"The name {name.value} holds letters, digits and dashes only.", *name.quotes)


def one_dash(case: Case) -> Ruling:
    """Only one dash stands between the organization id and the rest."""
    name = _key_name(case)
    if isinstance(name, Ruling):
        return name
    if not name.value.startswith("org-"):
        return ruled_out(f"The name {name.value} carries no organization id to divide.", *name.quotes)
    if "--" in name.value:
        return ruled_out(f"The name {name.value} holds two dashes in a row.", *name.quotes)
    return confirmed(f"The name {name.value} nowhere holds two dashes in a row.", *name.quotes)
