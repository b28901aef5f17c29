"""Caller is not authorized to perform action on resource (ForbiddenByRbac)."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided
from ekm_core.vendor import (
    AZURE_APP_ID,
    AZURE_APP_NAME,
    AZURE_GUIDE,
    AZURE_RBAC_WAIT,
    AZURE_VAULT_MODE_WAIT,
    FAQ,
)

_SENTENCE = (
    "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions "
    "were changed recently, please observe propagation time."
)

ERROR = KnownError(
    id="azure-keyvault-rbac-denied",
    provider=Provider.AZURE,
    title="The key vault refuses: no role allows the action on this key",
    summary=(
        "Entra knew the caller, but no role of the caller allows the action on this key. A key or vault name that does "
        "not exist gives the very same words."
    ),
    link=Link.PERMISSION,
    signatures=(
        Signature(
            "sentence",
            r"caller (?:is not|isn't|was not) authori[sz]ed to perform (?:the |this )?action on (?:the )?resource",
        ),
        Signature("sentence-cut", r"caller is not authori[sz]ed to perform action\b", weight=0.8),
        Signature(
            "propagation",
            r"role assignments, deny assignments,? or role definitions were changed recently",
            weight=0.8,
        ),
        Signature("portal-data-action", r"caller needs data action:? ?['\"]?Microsoft\.KeyVault/vaults/", weight=0.9),
        Signature("portal", r"the operation is not allowed by RBAC"),
        Signature("fields", r"\bDenyAssignmentId: .{1,120}(?:DecisionReason: |Vault: )", weight=0.8),
        Signature(
            "tail",
            r"please observe propagation time",
            weight=0.6,
            needs=(r"caller: ?appid|microsoft\.keyvault/vaults|key ?vault",),
        ),
        Signature("inner-code", r"\bForbiddenByRbac\b", weight=0.8),
        Signature("decision", r"\bDeniedWithNoValidRBAC\b", weight=0.8),
    ),
    causes=(
        Cause(
            id="role-not-assigned",
            title="No role is assigned to OpenAI's service principal on the key",
            why="Creating the custom role is not enough. It must also be assigned to OpenAI's service principal.",
            check=checks.role_not_assigned,
            proof=proofs.later("access", "role_not_assigned"),
            look=snippets.look_access,
            fix=lambda values: snippets.fix_access(
                values, "Create the custom role and assign it to OpenAI's service principal on the key."
            ),
            who=causes.ACCESS_ADMIN,
            wait=AZURE_RBAC_WAIT,
        ),
        causes.wrong_registration(
            "wrong-key-or-vault",
            "The registered key name or vault address is wrong, or names nothing that exists",
            "Key Vault does not tell a caller without rights whether a key exists. So a misspelt name looks like a "
            "missing right.",
            checks.wrong_key_or_vault,
            ("vault", "key_name"),
            proofs.later("access", "wrong_key_or_vault"),
        ),
        Cause(
            id="role-lacks-action",
            title="The custom role lacks one of the three data actions",
            why=(
                "OpenAI encrypts, decrypts and reads the key. The three stand under dataActions; under actions they "
                "have no effect."
            ),
            check=checks.role_lacks_action,
            proof=proofs.later("access", "role_lacks_action"),
            look=snippets.look_access,
            fix=lambda values: Fix(
                summary=(
                    "Put all three data actions into the role. The command replaces the role's present data actions."
                ),
                console=(
                    "Open the subscription, Access control (IAM), Roles, and open your custom role.",
                    "On the JSON tab, see that all three actions stand under dataActions, and save.",
                    "If your role has another name than the one on this page, change that name first.",
                ),
                policies=(snippets.role_document(values),),
                cli=(snippets.update_role(values),),
                terraform=(snippets.terraform_access(values),),
                verify=(snippets.show_role(), *snippets.proof(values)),
            ),
            who=causes.ACCESS_ADMIN,
            wait=AZURE_RBAC_WAIT,
        ),
        Cause(
            id="other-principal-or-scope",
            title="The role is assigned to another principal, or not on this key",
            why=(
                "An application has an object id under App registrations and another one under Enterprise "
                "applications. Only the second one counts. The assignment must also reach this key."
            ),
            check=checks.other_principal,
            proof=proofs.later("access", "other_principal_or_scope"),
            look=snippets.look_access,
            fix=lambda values: snippets.fix_access(
                values, "Assign the role to OpenAI's service principal, with this key as the scope."
            ),
            who=causes.ACCESS_ADMIN,
            wait=AZURE_RBAC_WAIT,
        ),
        Cause(
            id="wrap-only-role",
            title="Only a built-in role was assigned, and it cannot encrypt and decrypt",
            why=(
                "Key Vault Crypto Service Encryption User allows wrap and unwrap, not encrypt and decrypt. "
                "OpenAI needs "
                "encrypt and decrypt."
            ),
            check=checks.wrap_only_role,
            proof=proofs.later("access", "wrap_only"),
            look=snippets.look_access,
            fix=lambda values: snippets.fix_access(values, "Assign the custom role of this page instead."),
            who=causes.ACCESS_ADMIN,
            wait=AZURE_RBAC_WAIT,
        ),
        Cause(
            id="not-propagated",
            title="The role was assigned a moment ago",
            why="A new role assignment takes some minutes until Key Vault knows it.",
            check=undecided(
                "See when the role was assigned. Up to 10 minutes are usual; older Microsoft text says 30."
            ),
            look=lambda values: Look(
                console=(
                    "Open the subscription, then Activity log, and look for Create role assignment.",
                    "Compare its time with the time of the error.",
                ),
                commands=(snippets.list_assignments(values),),
            ),
            fix=lambda values: Fix(
                summary="Wait, then let OpenAI validate the key again. After half an hour waiting is no answer.",
                console=("Wait 10 minutes and run validate. Repeat once after 30 minutes.",),
                cli=snippets.proof(values),
            ),
            who=causes.NOBODY,
            wait=AZURE_RBAC_WAIT,
            passes=True,
        ),
        Cause(
            id="access-policy-mode",
            title="The vault decides by access policies, so roles do not count",
            why="A vault knows two ways to decide. In the older one it reads its access policies and no roles.",
            check=checks.vault_mode,
            proof=proofs.later("access", "access_policy_mode"),
            look=lambda values: Look(
                console=(
                    "Open the key vault, then Settings, then Access configuration.",
                    "See whether Azure role-based access control is chosen.",
                ),
                commands=(snippets.show_vault(values),),
            ),
            fix=lambda values: Fix(
                summary=(
                    "Switch the vault to role-based access. Its access policies stop counting at once, for everyone "
                    "who uses this vault: assign roles to them first, or use a new vault for EKM."
                ),
                console=(
                    "List who has an access policy on this vault, and assign each of them a role.",
                    "Open the key vault, Access configuration, choose Azure role-based access control, and apply.",
                ),
                cli=(snippets.show_vault(values), snippets.enable_rbac(values), snippets.assign_role(values)),
                terraform=(snippets.terraform_vault_mode(values), snippets.terraform_access(values)),
                policies=(snippets.role_document(values),),
                verify=(snippets.list_assignments(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_MODE_ADMIN,
            wait=AZURE_VAULT_MODE_WAIT,
        ),
        Cause(
            id="deny-assignment",
            title="A deny assignment forbids the action",
            why=(
                "A deny assignment wins over every role. Azure makes them itself, for example for deployment stacks; "
                "nobody can create one directly."
            ),
            check=checks.deny_assignment,
            proof=proofs.later("access", "deny_assignment"),
            look=lambda values: Look(
                console=("Open the key vault, Access control (IAM), Deny assignments.",),
                commands=(snippets.list_deny_assignments(values),),
            ),
            fix=lambda values: Fix(
                summary=(
                    "Deny assignments cannot be edited by hand. Change what made it, or use a vault that it does "
                    "not reach."
                ),
                console=(
                    "Open the deny assignment and see what owns it, such as a deployment stack.",
                    f"Exclude {AZURE_APP_NAME} there, or create the key in another vault and register that one.",
                ),
                cli=snippets.register(values),
                verify=snippets.proof(values),
            ),
            who=causes.ACCESS_ADMIN,
        ),
        causes.own_test(),
    ),
    references=(
        FAQ,
        AZURE_GUIDE,
        references.VAULT_RBAC,
        AZURE_RBAC_WAIT.reference,
        references.DENY_ASSIGNMENTS,
    ),
    samples=(
        Sample(_SENTENCE, FAQ.url),
        Sample(
            '{"error":{"code":"Forbidden","message":"Caller is not authorized to perform action on '
            "resource.\\r\\nIf role "
            "assignments, deny assignments or role definitions were changed recently, please observe propagation time."
            f"\\r\\nCaller: appid={AZURE_APP_ID};oid=4be1c0de-0b7a-4e55-8a0f-6f1d2c3b4a59;"
            "iss=https://sts.windows.net/7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70/\\r\\nAction: "
            "'Microsoft.KeyVault/vaults/keys/encrypt/action'\\r\\nResource: '/subscriptions/"
            "2f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016/resourcegroups/ekm/providers/microsoft.keyvault/vaults/ekm-vault/keys/"
            "org-a1b2c3--chat'\\r\\nAssignment: (not found)\\r\\nDenyAssignmentId: null\\r\\nDecisionReason: "
            "'DeniedWithNoValidRBAC' \\r\\nVault: ekm-vault;location=westeurope\\r\\n\","
            '"innererror":{"code":"ForbiddenByRbac"}}}'
        ),
        Sample("ForbiddenByRbac: Caller is not authorized to perform action on resource."),
        Sample(
            "The operation is not allowed by RBAC. If role assignments were recently changed, please wait "
            "several minutes "
            "for role assignments to become effective.",
            "https://github.com/MicrosoftLearning/dp-420-cosmos-db-dev/issues/43",
        ),
    ),
    near_misses=(
        NearMiss(
            "(AuthorizationFailed) The client 'a' with object id 'b' does not have authorization to perform action "
            "'Microsoft.KeyVault/vaults/read' over scope '/subscriptions/c' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials.",
            why="Azure Resource Manager's refusal of your own call, not the vault's",
        ),
        NearMiss(
            "The user, group or application 'appid=x;oid=y' does not have keys encrypt permission on key vault 'v'.",
            "azure-keyvault-access-policy",
            "the vault decides by access policies",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST),
)
