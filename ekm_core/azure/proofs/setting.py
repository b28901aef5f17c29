"""What all proofs share: the registered values with the evidence, and rulings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ekm_core.azure import checks, evidence
from ekm_core.azure.evidence import AzureEvidence, ServicePrincipal, Vault
from ekm_core.evidence import State
from ekm_core.facts import Fact, combine
from ekm_core.model import Case, Change, Check, Provider, Ruling, Snippet, Values, Verdict
from ekm_core.vendor import AZURE_APP_ID

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# One digit over and over is how people hide an id that they publish.
_MASKED_GUID = re.compile(r"([0-9a-f])(?:\1|-)+")
_VAULT_URI = re.compile(r"(?:https?://)?([A-Za-z][A-Za-z0-9-]{2,23})\.vault\.azure\.net(?:[/?#:].*)?", re.IGNORECASE)
_VAULT_ID = re.compile(
    r"/subscriptions/([0-9a-f-]{36})/resourcegroups/([\w().-]{1,90})/providers/microsoft\.keyvault/vaults/([a-z0-9-]+)",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
# What a person puts in the place of a value.
_MASK = re.compile(r"[*<>#…]|\.\.\.|\[.*\]|x{4}|redacted|masked|your[-_]", re.IGNORECASE)

UNREGISTERED = "We do not know what you registered. Give the configuration too."


@dataclass(frozen=True, slots=True)
class Setting:
    """What is registered, and what is known of the customer's Azure.

    tenant: the registered tenant's id in small letters, "" where it is no id. vault_name: "" where vault_uri is no
    vault's address. key: "" where key_name is no name that a key can have. said: what the error names. values: for
    commands, with the place of the vault where an output shows it. message: whether there is an error text.
    """

    tenant: str
    vault_uri: str
    vault_name: str
    key_name: str
    key: str
    organization: str
    evidence: AzureEvidence
    said: checks.Said
    values: Values
    message: bool
    case: Case

    @property
    def vault(self) -> Fact[Vault]:
        """The registered vault."""
        return self.evidence.vault(self.vault_name)

    @property
    def trusted(self) -> Fact[str]:
        """The tenant that the registered vault trusts.

        The vault itself shows it; else its answer to a call without a token, where that names the registered tenant.
        """
        shown, said = self.vault, self.evidence.challenge(self.vault_name)
        own = guid(shown.value.tenant_id) if shown.value else ""
        facts = [Fact(State.SEEN, own, shown.source)] if own else []
        if said.value in {self.tenant, own} - {""}:
            facts.append(said)
        return combine(facts) if facts else Fact(shown.state, None, shown.source, shown.because)

    @property
    def stranger(self) -> Fact[str]:
        """The tenant that a vault of the registered name trusts, where it is not the registered one.

        Only the vault's answer to a call without a token shows it. The registered tenant may be wrong, the registered
        name may be that of a stranger's vault, or the vault's subscription was moved: this alone does not decide.
        """
        said = self.evidence.challenge(self.vault_name)
        if said.value is None or said.value == self.tenant or self.vault_tenant:
            return Fact(State.NOT_GIVEN)
        return said

    @property
    def vault_tenant(self) -> str:
        """The tenant that the registered vault trusts, or "" where no output shows it."""
        return self.trusted.value or ""

    @property
    def there(self) -> str:
        """What shows that the registered vault exists and is the customer's, or ""."""
        return self.vault.source if self.vault.value else self.trusted.source if self.vault_tenant else ""

    @property
    def signed_in(self) -> str:
        """The tenant that the Azure CLI was signed in to, or "" where no output shows it."""
        return guid(self.evidence.account.value.tenant_id) if self.evidence.account.value else ""

    @property
    def own_tenant(self) -> str:
        """The customer's tenant as far as it is known: the vault's, else the registered one; "" where they differ.

        A vault whose subscription was moved to the registered tenant has yet to trust that one.
        """
        if self.tenant and self.home == self.tenant:
            return self.tenant
        return self.vault_tenant or ("" if self.stranger.value else self.tenant)

    @property
    def home(self) -> str:
        """The tenant to which the subscription of the vault belongs, where the outputs show it; else ""."""
        account = self.evidence.account.value
        if account is None or not account.subscription_id:
            return ""
        here = self.vault_id.lower().startswith(f"/subscriptions/{account.subscription_id}/".lower())
        return guid(account.home_tenant or account.tenant_id) if here else ""

    @property
    def principal(self) -> Fact[ServicePrincipal]:
        """OpenAI's service principal in the customer's own tenant.

        No output about it names its tenant: it counts where the Azure CLI was signed in to the customer's own one, or
        where nothing says that it was another.
        """
        fact = self.evidence.service_principal(AZURE_APP_ID)
        account = self.evidence.account
        if account.state is State.CONFLICTING:
            return Fact(State.CONFLICTING, source=account.source, because=account.because)
        if self.signed_in:
            if self.signed_in == self.own_tenant:
                return fact
            why = f"{account.source} shows that the Azure CLI was signed in to the tenant {self.signed_in}"
            return Fact(State.NOT_GIVEN, because=f"{why}, not to {self.own_tenant or 'a tenant that we can compare'}")
        if self.tenant and self.vault_tenant not in ("", self.tenant):
            return Fact(State.NOT_GIVEN, because="no output shows in which tenant the service principal was looked for")
        return fact

    @property
    def vault_id(self) -> str:
        """The vault's ARM id, from the vault or from the error's own words; "" where neither shows it whole."""
        vault = self.vault.value
        found = _VAULT_ID.fullmatch(vault.id) if vault else None
        if found and guid(found[1]) and found[3].lower() == self.vault_name.lower():
            return found.group()
        scope = self.said.scope.rpartition("/keys/")
        named = _VAULT_ID.fullmatch(scope[0])
        same = named and named[3].lower() == self.vault_name.lower() and scope[2].lower() == self.key.lower()
        return scope[0] if same and vault is None else ""


def guid(value: str) -> str:
    """An id in small letters, or "" for anything that is no id, or that hides one."""
    value = value.strip().lower()
    return value if _GUID.fullmatch(value) and not _MASKED_GUID.fullmatch(value) else ""


def is_masked(value: str) -> bool:
    """Whether a part of the value was made unreadable, or is a placeholder; such a value proves nothing."""
    return _MASK.search(value) is not None


def is_slip(one: str, other: str) -> bool:
    """Whether two different names differ as by a slip of the hand: one sign too few, or two exchanged; no digit.

    Names that differ in a number or in another sign (…-eu, …-us) are as likely siblings.
    """
    same = _alike(one, other)
    one, other = one[same:], other[same:]
    same = _alike(one[::-1], other[::-1])
    one, other = one[: len(one) - same], other[: len(other) - same]
    exchanged = len(one) == len(other) == 2 and one == other[::-1]
    return (exchanged or {len(one), len(other)} == {0, 1}) and not any(sign.isdigit() for sign in one + other)


def _alike(one: str, other: str) -> int:
    """With how many equal signs two names begin."""
    differing = (place for place, (first, second) in enumerate(zip(one, other, strict=False)) if first != second)
    return next(differing, min(len(one), len(other)))


def setting(case: Case) -> Setting | None:
    """The case's set-up, read once; None where the configuration is not given or of another cloud."""
    configured = case.configuration
    if configured is None or configured.provider is not Provider.AZURE:
        return None
    key = ("azure.setting",)
    if key not in case.memo:
        uri, name = configured.get("vault_uri"), configured.get("key_name")
        address = _VAULT_URI.fullmatch(uri) if len(uri) < 1000 and not is_masked(uri) else None
        made = Setting(
            tenant=guid(configured.get("tenant_id")),
            vault_uri=uri,
            vault_name=address[1].lower() if address else "",
            key_name=name,
            key=name if _KEY_NAME.fullmatch(name) and not is_masked(name) else "",
            organization=configured.organization_id.strip(),
            evidence=evidence.read(case.evidence),
            said=checks.said(case),
            values=case.values,
            message=bool(case.text),
            case=case,
        )
        place = _VAULT_ID.fullmatch(made.vault_id)
        if place:
            found = {"subscription_id": place[1], "resource_group": place[2], **case.values.known}
            made = replace(made, values=Values(found, case.values.typed))
        case.memo[key] = made
    known: Setting = case.memo[key]
    return known


Judge = Callable[[Setting], Ruling]


def proves(judge: Judge) -> Check:
    """A judge of set-ups as a proof, as far as the message (where there is one) is about the registered set-up."""

    def proof(case: Case) -> Ruling:
        known = setting(case)
        if known is None:
            return stays_open(UNREGISTERED)
        ruling = judge(known)
        if ruling.verdict is Verdict.CANNOT_TELL or not known.message:
            return ruling
        other = _about_something_else(known)
        if other:
            return replace(stays_open(other), shown=ruling.shown)
        application = known.said.application.lower()
        if ruling.verdict is Verdict.CONFIRMED and application not in ("", AZURE_APP_ID):
            because = f"The message names the application {application}, which is not OpenAI's. For OpenAI's own call: "
            return replace(stays_open(because + ruling.because), shown=ruling.shown)
        return ruling

    return proof


def _about_something_else(known: Setting) -> str:
    """A sentence where the message names another tenant, vault or key than the registered one, else ""."""
    pairs = (
        ("tenant", known.said.tenant, known.tenant),
        ("tenant", known.said.issuer, known.tenant),
        ("vault", known.said.vault, known.vault_name),
        ("key", known.said.key, known.key),
    )
    for label, said, registered in pairs:
        if said and registered and said.lower() != registered.lower():
            return (
                f"The message is about the {label} {said}, and you registered {registered}. So it is about another "
                "registration, or older than this one."
            )
    return ""


# ------------------------------------------------------------------------------------------------------------- rulings
def holds(because: str, shown: Iterable[str], changes: Iterable[Change] = ()) -> Ruling:
    """The set-up proves the cause."""
    return Ruling(Verdict.CONFIRMED, because, shown=tuple(shown), changes=tuple(changes))


def fails(because: str, shown: Iterable[str]) -> Ruling:
    """The set-up proves that it is not this."""
    return Ruling(Verdict.RULED_OUT, because, shown=tuple(shown))


def stays_open(because: str, *missing: Snippet) -> Ruling:
    """The set-up does not decide it; ``missing`` are the commands whose output would."""
    return Ruling(Verdict.CANNOT_TELL, because, missing=tuple(dict.fromkeys(missing)))


def unseen(fact: Fact[Any], what: str, *missing: Snippet) -> Ruling:
    """A ruling for something that was not seen, with the reason. ``what``: "the vault"."""
    if fact.state is State.NOT_GIVEN:
        return stays_open(f"We have not seen {what}{_why(fact)}.", *missing)
    return stays_open(f"We could not see {what}{_why(fact)}.", *missing)


def _why(fact: Fact[Any]) -> str:
    because = fact.because.rstrip(".")
    if not because or because.startswith("no output shows the "):
        return ""
    return f": {because[:1].lower()}{because[1:]}" if not because.startswith("Azure") else f": {because}"
