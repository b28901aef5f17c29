"""Access tokens for one of Azure's clouds, and what can be said of a pasted one before it is sent anywhere.

A token's own words (audience, expiry, tenant) are read without proof: they only keep us from a call that must fail.
Facts: learn.microsoft.com, "access tokens in the Microsoft identity platform" and the application IDs of Microsoft's
own services, read on 2026-11-27.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ekm_core.azure.proofs.setting import guid
from ekm_core.credentials import AZURE_TOKENS, AzureTokens, claims
from ekm_core.probing.guard import AzureCloud
from ekm_core.probing.step import CallError, Trouble

LABELS: Mapping[str, str] = {"arm": "Azure Resource Manager", "graph": "Microsoft Graph", "vault": "Key Vault"}
"""What a token may be for."""

# The audience may be written as the application ID of the service, too.
_IDS: Mapping[str, str] = {
    "arm": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "graph": "00000003-0000-0000-c000-000000000000",
    "vault": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
}


def _unusable(sentence: str) -> CallError:
    return CallError(Trouble.CREDENTIALS, sentence)


class Tokens:
    """Access tokens by what each is for (see LABELS)."""

    def __init__(self, cloud: AzureCloud) -> None:
        self.cloud = cloud

    def get(self, audience: str) -> str:
        """A token. Raises CallError (CREDENTIALS) where there is none that can be used."""
        raise NotImplementedError

    def in_tenant(self, tenant: str) -> str:
        """A token for Resource Manager in another tenant than the one that was signed in to. Raises CallError."""
        raise _unusable(f"There is no access token of the tenant {tenant}.")

    def host(self, audience: str) -> str:
        """The host of a service, as it stands in the audience of its tokens."""
        return {"arm": self.cloud.arm, "graph": self.cloud.graph, "vault": self.cloud.vaults[1:]}[audience]

    @property
    def tenant(self) -> str:
        """The tenant that was signed in to. Raises CallError where no token can be used."""
        problems = []
        for audience in LABELS:
            try:
                return tenant_of(self.get(audience))
            except CallError as problem:
                problems.append(problem)
        raise problems[0]


def tenant_of(token: str) -> str:
    """The tenant that a token says it is of. Raises CallError where it names none."""
    tenant = guid(str(claims(token).get("tid", "")))
    if not tenant:
        raise _unusable("The access token does not name its tenant, so it cannot be used.")
    return tenant


class Pasted(Tokens):
    """Tokens that the user pasted. vault_tenant: gives the tenant that the vault trusts, or ""."""

    def __init__(self, cloud: AzureCloud, given: AzureTokens, vault_tenant: Callable[[], str]) -> None:
        super().__init__(cloud)
        self._given = {"arm": given.arm, "graph": given.graph, "vault": given.vault}
        self._vault_tenant = vault_tenant

    def get(self, audience: str) -> str:
        """The token, once it was looked at."""
        token, label, command = self._given[audience], LABELS[audience], AZURE_TOKENS[audience]
        if not token:
            raise _unusable(f"No access token for {label} was given. This prints one: {command}")
        said, host = claims(token), self.host(audience)
        audiences = {_IDS[audience], f"https://{host}", f"https://{host.replace('azure.com', 'core.windows.net')}"}
        if str(said.get("aud", "")).rstrip("/") not in audiences:
            raise _unusable(f"The token given for {label} is for another service. This prints one: {command}")
        expires = said.get("exp")
        if not isinstance(expires, int | float) or expires <= time.time():
            raise _unusable(f"The token for {label} has expired. Get a new one: {command}")
        self._of_one_tenant(audience, tenant_of(token))
        return token

    def _of_one_tenant(self, audience: str, tenant: str) -> None:
        other = guid(str(claims(self._given["arm"]).get("tid", "")))
        if audience == "graph" and other not in ("", tenant):
            # What the directory shows counts for the tenant of the sign-in.
            where = f"of the tenant {tenant}, the one for {LABELS['arm']} of {other}. Get both in one sign-in."
            raise _unusable(f"The token for {LABELS['graph']} is {where}")
        trusted = self._vault_tenant() if audience == "vault" else ""
        if trusted not in ("", tenant):
            where = f"of the tenant {tenant}, and the vault trusts {trusted}. Sign in with az login --tenant={trusted}"
            raise _unusable(f"The token for {LABELS['vault']} is {where}, and get a new one.")
