"""Impersonating a service account was refused; OpenAI's set-up needs no service account."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

# Other reasons for the same wrapper: the API is off, the token was made for other scopes, the account does not exist,
# the request is malformed.
_OFF = (
    r"has not been used in project|service_disabled|api is disabled",
    r"access_token_scope_insufficient|insufficient authentication scopes",
    r"gaia id not found|requested entity was not found|[\"']code[\"']?: ?(?:400|404|429|50\d)\b",
)
_REFUSED = r"caller does not have permission|permission_?denied|error:? ?403|\b403\b|getaccesstoken"


def _look(values: Values) -> Look:
    return Look(
        (
            "In the Google Cloud console, open IAM & Admin, then Service Accounts, open the account of the message, "
            "and read Principals with access.",
        ),
        (gcp.service_account_policy(),),
    )


# Unverified: the page on impersonation was not found again. That the role allows it is as far as we know.
def _grant(values: Values) -> Fix:
    return Fix(
        "Let the principal that needs it use the service account. OpenAI's principal does not need it.",
        console=(
            "In the Google Cloud console, open IAM & Admin, then Service Accounts, and open the account of "
            "the message.",
            "Under Principals with access, choose Grant access and enter the principal of your own federation.",
            "Choose the role Workload Identity User and save.",
        ),
        verify=(gcp.service_account_policy(),),
    )


def _direct(values: Values) -> Fix:
    return Fix(
        "OpenAI uses the key directly as a principal of your pool. Bind that principal to the key instead.",
        console=(
            causes.key_console(values),
            f"On the tab Permissions, grant {gcp.principal(values)} the role Cloud KMS CryptoKey Encrypter/Decrypter.",
        ),
        cli=(gcp.bind_key(values),),
        terraform=(gcp.binding_terraform(values),),
        verify=(gcp.key_policy(values), *openai.validate(values)),
    )


ERROR = KnownError(
    id="gcp-impersonation-denied",
    provider=Provider.GCP,
    title="Acting as a Google service account was refused",
    summary=(
        "The federation worked, but the next step did not: taking on a service account's identity. OpenAI's set-up has "
        "no such step, so the message comes from another federation or from a test of your own."
    ),
    link=Link.PERMISSION,
    signatures=(
        Signature("sentence", r"iam\.serviceaccounts\.getaccesstoken.{0,3} ?(?:permission )?(?:is |was )?denied"),
        Signature(
            "denied-before",
            r"permission[ _]denied ?(?:: |on |for |to )?['\"]?iam\.serviceaccounts\.getaccesstoken",
            0.9,
        ),
        Signature("required-to", r"iam\.serviceaccounts\.getaccesstoken.{0,3} is required to perform", 0.9),
        # As people retell it.
        Signature(
            "retold",
            r"\b(?:denied|refused|fail(?:s|ed)?) (?:at|on|with|for) ['\"]?iam\.serviceaccounts\.getaccesstoken"
            r"|iam\.serviceaccounts\.getaccesstoken['\"]? (?:permission )?(?:errors?|failures?)\b",
            0.8,
        ),
        Signature("short", r"\bgetaccesstoken['\"]? (?:permission )?(?:is |was )?denied", 0.6),
        Signature(
            "lacking",
            r"(?:required|requires|does not have|doesn't have|missing|lacks?)(?: the)?(?: required)?(?: "
            r"permissions?)?:? .{0,3}iam\.serviceaccounts\.getaccesstoken",
            0.9,
        ),
        Signature(
            "details",
            r"permission.{0,3} ?[:=] ?.{0,2}iam\.serviceaccounts\.getaccesstoken",
            0.8,
            needs=(r"permission_?denied|iam_permission_denied|\b403\b",),
        ),
        Signature("google-auth", r"unable to acquire impersonated credentials", 0.9, unless=_OFF),
        Signature(
            "older-action",
            r"failed to generate google cloud (?:oauth 2\.0 )?access token for",
            0.8,
            needs=(r"caller does not have permission|permission_denied|getaccesstoken",),
            unless=_OFF,
        ),
        # Terraform names what it read when it was refused; this one does nothing but ask for such a token.
        Signature(
            "terraform",
            r", in data ['\"]google_service_account_access_token['\"]",
            0.8,
            needs=(r"caller does not have permission",),
        ),
        Signature(
            "older-go",
            r"(?:impersonate: (?:status code 403|unable to generate access token)|:generateaccesstoken\b)",
            0.8,
            needs=(_REFUSED, r"caller does not have permission|permission_denied|getaccesstoken['\"]? denied"),
            unless=_OFF,
        ),
    ),
    causes=(
        Cause(
            id="own-test",
            title="The message comes from a federation of your own",
            why="OpenAI's guide has no such step: its principal uses the key directly.",
            check=checks.another_federation,
            look=_look,
            fix=_grant,
            who=causes.YOURSELF,
        ),
        Cause(
            id="set-up-with-service-account",
            title="OpenAI's access was set up through a service account",
            why="Guides for build pipelines let a service account have the key. OpenAI's guide binds the "
            "principal itself.",
            check=undecided("The text does not show the key's policy. Look whether a service account stands there."),
            look=causes.look_at_binding("OpenAI's principal must stand there itself, not a service account."),
            fix=_direct,
            who=causes.KMS_ADMIN,
            proof=causes.proof("binding", "through_service_account"),
        ),
    ),
    references=(vendor.GCP_GUIDE, sources.IMPERSONATION),
    samples=(
        Sample(
            "google.auth.exceptions.RefreshError: ('Unable to acquire impersonated credentials', '{\"error\": "
            '{"code": 403, "message": "Permission \'iam.serviceAccounts.getAccessToken\' denied on resource (or '
            "it may not exist).\"}}')"
        ),
        Sample(
            'impersonate: unable to generate access token: oauth2/google: status code 403: { "error": { "code": 403, '
            '"message": "The caller does not have permission", "status": "PERMISSION_DENIED" } }',
            "https://github.com/metro-digital/terraform-google-cf-projectcfg/pull/39",
        ),
        Sample(
            "Error: googleapi: Error 403: The caller does not have permission, forbidden\n\n  on providers.tf line 30, "
            'in data "google_service_account_access_token" "default":',
            "https://github.com/terraform-google-modules/terraform-example-foundation/issues/646",
        ),
        Sample("Permission denied: iam.serviceAccounts.getAccessToken"),
        Sample("A second impersonation hop can fail with iam.serviceAccounts.getAccessToken permission errors"),
        Sample("The first rerun failed on iam.serviceAccounts.getAccessToken, the second one deployed"),
        Sample("getAccessToken denied issue", "https://github.com/google-github-actions/auth/issues/455"),
    ),
    near_misses=(
        NearMiss(
            "curl https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com:"
            'generateAccessToken {"error": {"code": 403, "message": "Request had insufficient authentication scopes.", '
            '"status": "PERMISSION_DENIED", "details": [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}',
            why="the caller's own token is too narrow; no permission is missing",
        ),
        NearMiss(
            "Error: googleapi: Error 403: The caller does not have permission, forbidden\n\n  with "
            'google_project_service.kms,\n\ndata "google_service_account_access_token" "default" {',
            why="refused for another resource; the configuration stands behind it",
        ),
        NearMiss(
            "Project Owner is not sufficient: Owner does not carry iam.serviceAccounts.getAccessToken. Your account "
            "needs a role that includes the iam.serviceAccounts.getAccessToken permission.",
            why="what is needed; nothing was refused",
        ),
        NearMiss("getAccessToken is required when not in anonymous mode", why="an argument of a program"),
        NearMiss(
            "WARNING: This command is using service account impersonation. All API calls will be executed as "
            "[sa@p.iam.gserviceaccount.com].",
            why="a notice of gcloud, no error",
        ),
        NearMiss("Permission 'iam.serviceAccounts.actAs' denied on service account", why="another permission"),
    ),
    proves=(),
)
