"""The user, group or application does not have keys <op> permission on key vault (access-policy mode)."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets, wordings
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.vendor import AZURE_APP_NAME, AZURE_GUIDE, AZURE_VAULT_MODE_WAIT

# The same codes and openings stand in refusals of secrets and certificates, which EKM never touches.
_OTHER_OBJECTS = (r"does not have (?:the )?(?:secrets?|certificates?|storage) .{0,60}permission",)

ERROR = KnownError(
    id="azure-keyvault-access-policy",
    provider=Provider.AZURE,
    title="The key vault decides by access policies, and none allows this",
    summary=(
        "The vault is in the older access-policy mode, and no policy gives the caller this right on keys. OpenAI's "
        "set-up needs a vault that decides by roles (Azure RBAC)."
    ),
    link=Link.PERMISSION,
    signatures=(
        Signature(
            "keys-permission",
            r"does(?: not|n't) have (?:the )?['\"]?"
            r"(?:keys|key (?:get|list|create|wrap|unwrap|encrypt|decrypt)\w{0,4})\b[^.]{0,60}?permissions?\b",
        ),
        Signature("portal", r"operation ['\"]?\w{1,20}['\"]? is not enabled in (?:this )?key vault'?s access policy"),
        # Disks and scale sets, on behalf of the identity that encrypts them.
        Signature(
            "on-behalf",
            r"please grant (?:\w{3,10},? (?:and )?){1,4}key permissions to"
            r"|/keys/[^ '\"]{1,200}['\"]? to enable encryption at rest",
            weight=0.8,
        ),
        # The older sentence, which names no object: these are operations that only keys have.
        Signature(
            "operation",
            r"operation is not allowed\. ?operation: ?['\"]?"
            r"(?:(?:un)?wrapkey|(?:en|de)crypt|sign|verify)['\"]? caller:",
            weight=0.9,
        ),
        Signature("no-policy", r"caller was not found on any access policy"),
        Signature("any-policy", r"not found on any access policy", weight=0.8),
        Signature(
            "caller-cut",
            r"the user, group or application ['\"]?appid=",
            weight=0.6,
            needs=(r"\b(?:keys|key (?:get|list|wrap|unwrap|encrypt|decrypt)|(?:un)?wrapkey|encrypt|decrypt)\b",),
            unless=_OTHER_OBJECTS,
        ),
        # With the capitals of the message: tables of contents have it as a title.
        Signature("first-party", r"(?-i:to first party service)", weight=0.8, needs=(r"access denied to first",)),
        # SQL's, the AI services' and the disks' codes for a vault that their identity may not use.
        Signature(
            "service-codes",
            r"\b(?:AzureKeyVaultMissingPermissions(?:Message|Error)?|AccessPolicyNotConfiguredForKeyVault"
            r"|KeyVaultAccessForbidden)\b",
            weight=0.6,
            unless=(
                *_OTHER_OBJECTS,
                *wordings.DECLARED,
                r"/secrets/|enabled for deployment|key is (?:expired|disabled)",
            ),
        ),
        Signature("inner-code", r"\bForbiddenByPolicy\b", weight=0.8, unless=_OTHER_OBJECTS),
        Signature(
            "inner-code-denied", r"inner_?error['\"]?\W{1,12}code\W{1,8}AccessDenied\b", 0.8, unless=_OTHER_OBJECTS
        ),
        Signature("code-table", r"\bmissing permissions in (?:the )?access policy", weight=0.8),
        Signature(
            "code-table-translated",
            r"\baccessdenied\b.{0,200}(?:stratégies? d.accès|directivas? de acceso|políticas? de acc?ess?o"
            r"|zugriffsrichtlinie"
            r"|criteri[o]? di accesso|toegangs ?beleid|åtkomstprincip|zasad\w* dostępu|zásad\w* přístupu|erişim ilke"
            r"|политик\w* доступа|アクセス ?ポリシー|액세스 정책|访问策略|存取原則)",
            weight=0.8,
        ),
    ),
    causes=(
        Cause(
            id="access-policy-mode",
            title="The vault is in access-policy mode",
            why=(
                "In this mode the vault reads its access policies and no roles. The role that you assigned to OpenAI "
                "has no effect there."
            ),
            check=checks.confirmed_by(
                r"does(?: not|n't) have (?:the )?keys? [^.]{0,60}?permission|caller was not found on any access policy"
                r"|ForbiddenByPolicy",
                "This sentence comes only from a vault that decides by access policies.",
                "See the vault's permission model under Access configuration.",
            ),
            proof=proofs.later("access", "access_policy_mode"),
            look=lambda values: Look(
                console=("Open the key vault, Settings, Access configuration, and read the permission model.",),
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
                    f"Assign your custom role to {AZURE_APP_NAME} on the key.",
                ),
                policies=(snippets.role_document(values),),
                cli=(snippets.enable_rbac(values), snippets.create_role(values), snippets.assign_role(values)),
                terraform=(snippets.terraform_vault_mode(values), snippets.terraform_access(values)),
                verify=(snippets.show_vault(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_MODE_ADMIN,
            wait=AZURE_VAULT_MODE_WAIT,
        ),
        causes.own_test(),
    ),
    references=(references.VAULT_REST_CODES, references.VAULT_CODES, references.VAULT_RBAC, AZURE_GUIDE),
    samples=(
        Sample("401 AzureKeyVaultMissingPermissions - the server is missing required permissions on Azure Key Vault."),
        Sample("clusters fail at boot with Cloud Provider Launch Failure: KeyVaultAccessForbidden"),
        Sample(
            "The user, group or application 'appid=<redacted>;oid=<redacted>;iss=<redacted>' does not have keys get "
            "permission on key vault 'ekm-vault;location=northeurope'. For help resolving this issue, please see "
            "https://go.microsoft.com/fwlink/?linkid=2125287",
        ),
        Sample(
            'Status=403 Code="Forbidden" Message="Access denied. Caller was not found on any access '
            "policy.\\r\\nCaller: "
            'appid=***;oid=***;numgroups=0" InnerError={"code":"AccessDenied"}'
        ),
        Sample(
            '403, {"error":{"code":"Forbidden","message":"Operation is not allowed.\\r\\nOperation: '
            '\\"decrypt\\"\\r\\nCaller: appid=***;oid=***;numgroups=0;iss=https://sts.windows.net/***/\\r\\nVault: '
            'ekm-vault;location=westus2"}}'
        ),
        Sample(
            "Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an "
            'error. Status=403 Code="Forbidden" Message="Access denied" InnerError={"code":"AccessDenied"}',
            "https://github.com/hashicorp/terraform-provider-azurerm/issues/2946",
        ),
        Sample(
            "The secret of KeyVault parameter 'adminPassword' cannot be retrieved. Http status code: 'Forbidden'. "
            "Error message: 'Access denied to first party service.\nCaller: name=ARM;tid=***;appid=***;oid=***'",
        ),
        Sample(
            'Code="KeyVaultAccessForbidden" Message="Unable to access key vault resource '
            "'https://ekm-vault.vault.azure.net/keys/ekm/5b65df696e70443d9530135ef346c1ee' to enable encryption at "
            "rest. Please grant get, wrap and unwrap key permissions to disk encryption set 'set1'.",
            "https://github.com/MicrosoftDocs/azure-docs/issues/96319",
        ),
    ),
    near_misses=(
        NearMiss(
            'Code="KeyVaultAccessForbidden" Message="Key Vault https://ekm-vault.vault.azure.net/secrets/winrm/58a8 '
            'either has not been enabled for deployment or the vault id provided does not match"',
            why="a secret of a virtual machine",
        ),
        NearMiss(
            'public const string AzureKeyVaultMissingPermissions = "AzureKeyVaultMissingPermissions";', why="a constant"
        ),
        NearMiss(
            "Unable to access key vault resource 'https://ekm-vault.vault.azure.net/secrets/winrm/58a87f1a91284a49a0bd'",
            why="secrets, which EKM does not use",
        ),
        NearMiss(
            'switch code {\ncase "ForbiddenByPolicy":\n\tlogger.Error("please check the access")',
            why="a branch of a program",
        ),
        NearMiss(
            "Err(ActionError::ForbiddenByPolicy { interceptor: name.clone() })", why="an error of a program's own"
        ),
        NearMiss(
            "* [Operation Not Permitted](#operation-not-permitted)\n* [Access Denied to First Party Service]"
            "(#access-denied-to-first-party-service)",
            why="a table of contents",
        ),
        NearMiss(
            "The user, group or application 'appid=a;oid=b' does not have secrets get permission on key vault 'v'.",
            why="secrets, which EKM does not use",
        ),
        NearMiss(
            'Operation is not allowed.\\r\\nOperation: \\"list\\"\\r\\nCaller: appid=***;oid=***',
            why="secrets are listed too",
        ),
        NearMiss(
            "WARNING: Access policy is not set. No user or application have access permission to use this vault.",
            why="a warning at the creation of a vault, no refusal",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST),
)
