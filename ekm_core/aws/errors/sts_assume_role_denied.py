"""OpenAI may not assume the customer's role. The same words for a role that refuses and for one that does not exist."""

from __future__ import annotations

from dataclasses import replace

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.checks import Policy
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told

_ACTION = "sts:AssumeRole"
# The same operation fails with other actions denied: those are no trust-policy matter of EKM.
_OTHER_ACTIONS = (
    r"sts:(?:TagSession|SetSourceIdentity|SetContext|GetFederationToken|GetSessionToken|AssumeRoleWith\w+)",
    r"RegionDisabled",
)


def _look_role(values: Values) -> Look:
    return Look(
        (
            f"Open the IAM console of {causes.account(values)} and choose Roles.",
            f"Search for {causes.role(values)}. Compare its ARN, path and capital letters included, with the role_arn "
            "that you registered.",
        ),
        (aws.show_role(values), openai.list_keys()),
    )


def _look_test(values: Values) -> Look:
    return Look(
        ("Look at the caller at the beginning of the message: is it you, or one of your own applications?",),
        (causes.show_caller(),),
    )


def _fix_test(values: Values) -> Fix:
    return Fix(
        "Leave the trust policy as it is: it must refuse you. Test with OpenAI's own call instead.",
        console=(
            "Do not add your own user or role to the trust policy for a test, or remove it again afterwards.",
            "Run OpenAI's validate call, and paste the error that it answers with.",
        ),
        verify=openai.validate(values),
    )


def _fix_account(values: Values) -> Fix:
    values = values.doubting("role_arn", "account_id")
    return Fix(
        "Register the role of the right account. The key may be in another account than the role, the ARN of the role "
        "may not.",
        console=("Copy the role's ARN from the IAM console of the account that owns it, and register it.",),
        cli=(causes.show_caller(), aws.show_role(values), *aws.registration(values)),
        verify=openai.validate(values),
    )


def _look_openai_side(values: Values) -> Look:
    return Look(
        ("Look at the end of the message and at the caller: whose account is the caller in?",), (causes.show_caller(),)
    )


def _fix_openai_side(values: Values) -> Fix:
    return Fix(
        "A policy on the caller's side refuses. If the caller is OpenAI, send the whole message to OpenAI's support: "
        "no "
        "change in your account helps. If the caller is you, it is your own organization's policy.",
        console=("Send OpenAI the whole message with its request id and time.",),
        verify=openai.validate(values),
    )


def _fix_external_id(values: Values) -> Fix:
    trust = causes.fix_trust(
        "Make the two ids equal: the ExternalId in the trust policy and the registered external_id. OpenAI recommends "
        "the id of the organization that you apply EKM to."
    )(values)
    right = told("", aws.external_id(values), "your organization's")
    correct = f"If another id than {right} is registered, register the key anew with this one."
    return replace(trust, console=(*trust.console, correct), cli=(*trust.cli, *aws.registration(values)))


ERROR = KnownError(
    id="aws-sts-assume-role-denied",
    provider=Provider.AWS,
    title="OpenAI is not allowed to assume your IAM role",
    summary=(
        "OpenAI asked AWS for your role with sts:AssumeRole, and AWS refused. Either the role's trust policy does not "
        "let OpenAI in with the ExternalId that it sends, or there is no role with the registered ARN. AWS answers "
        "both with the very same words."
    ),
    link=Link.TRUST,
    proves=(Link.IDENTITY,),
    signatures=(
        Signature(
            "sentence", r"(?:not|n't) auth\w{2,10} to perform ?:? ?(?:the )?(?:action:? )?['\"]?sts:AssumeRole\b"
        ),
        Signature(
            "console", r"(?:Access denied to|do(?:n't| not) have permissions? to(?: perform:?)?) ['\"]?sts:AssumeRole\b"
        ),
        Signature(
            "cut-sentence",
            r"\bperform: sts:AssumeRole on (?:the |this )?resource|AccessDenied.{0,80} sts:AssumeRole on resource",
            0.6,
        ),
        # Cut by a logger or by Guzzle's "(truncated...)" inside the action's name.
        Signature(
            "cut-action",
            r"(?:not|n't) auth\w{2,10} to perform ?: ?sts:(?:AssumeR(?:ol?)?|Assume?|Assu?|As)"
            r"(?: ?\(truncated| ?\.\.\.| ?…|['\"]?$)",
            0.6,
            unless=(r"WebIdentity|WithSAML|AssumeRoot",),
        ),
        Signature(
            "reason", r"\b(?:no [\w -]{3,40}|because the role trust policy) allows? the sts:AssumeRole action", 0.6
        ),
        Signature("explicit-deny", r"sts:AssumeRole (?:on resource:? \S{1,300} )?with an explicit deny", 0.6),
        Signature("terraform", r"IAM Role \((?:arn:|\*|<|\[|x{3})[^()]{0,300}\) cannot be assumed", 0.6),
        Signature(
            "terraform-old",
            r"\bThe role ['\"](?:arn:|\*|<|\[|x{3})[^'\"]{0,300}['\"] cannot be assumed\. There are a number of",
            0.6,
        ),
        Signature("root", r"Roles may not be assumed by root accounts"),
        Signature(
            "cli-frame",
            r"\(AccessDenied(?:Exception)?\) (?:occurred )?when calling the AssumeRole operation",
            0.8,
            unless=_OTHER_ACTIONS,
        ),
        Signature(
            "go-frame",
            r"operation error STS: AssumeRole, (?:.{0,200}\bapi error )?AccessDenied",
            0.8,
            unless=_OTHER_ACTIONS,
        ),
        Signature(
            "tool",
            r"(?:failed to|unable to|could not|couldn't|cannot|can't) assume (?:the )?(?:IAM )?role ?(?:\S{1,200} ?)?: "
            r"AccessDenied\b|\bAccessDenied(?:Exception)? (?:when |while )?assuming (?:the )?(?:IAM )?role\b",
            0.8,
            unless=(*_OTHER_ACTIONS, r"WebIdentity"),
        ),
        Signature(
            "java-frame",
            r"\bAccess denied \(Service: (?:AWSSecurityTokenService|STS)\b",
            0.6,
            unless=(*_OTHER_ACTIONS, r"WebIdentity|WithSAML"),
        ),
        Signature(
            "snowflake",
            r"Error assuming AWS_ROLE\. Please verify the role and external ?Id are configured correctly",
            0.8,
        ),
        Signature(
            "php-frame",
            r"Error executing ['\"]?AssumeRole['\"]? on .{0,300}\bAccessDenied\b",
            0.8,
            unless=_OTHER_ACTIONS,
        ),
        Signature(
            "cloudtrail",
            r"eventName['\"]? ?: ?['\"]?AssumeRole['\"].{0,400}errorCode['\"]? ?: ?['\"]?AccessDenied",
            0.8,
            unless=_OTHER_ACTIONS,
        ),
    ),
    causes=(
        Cause(
            "own-test",
            "This is your own test, not OpenAI's call",
            "The caller in the text is not OpenAI. A trust policy that names only OpenAI refuses everybody else, as it "
            "should.",
            checks.own_assume_role,
            _look_test,
            _fix_test,
            causes.YOURSELF,
        ),
        Cause(
            "principal-missing",
            "The trust policy does not name OpenAI's role",
            f"The trust policy must name {vendor.AWS_PRINCIPAL} as the Principal. OpenAI's account as a whole "
            f"({vendor.AWS_ACCOUNT}) works as well; {vendor.AWS_OTHER_PRINCIPAL} belongs to another OpenAI product and "
            "does not.",
            checks.for_openai(checks.principal_differs),
            causes.look_at_trust,
            causes.fix_trust("Let OpenAI's role assume yours, under your organization's ExternalId."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("trust", "principal_missing"),
        ),
        Cause(
            "external-id-mismatch",
            "The ExternalId is not the one that OpenAI sends",
            "OpenAI sends the external_id that you registered. The trust policy must demand exactly that, not the id "
            "of "
            "another organization, such as a personal one. A trust policy without an ExternalId is not the reason for "
            "this error, for AWS then lets the call through; but it is an open door, so add the condition.",
            checks.for_openai(checks.external_id_differs),
            causes.look_at_trust,
            _fix_external_id,
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("trust", "external_id_mismatch"),
        ),
        Cause(
            "role-arn-wrong",
            "Another role is registered than the one you set up",
            "OpenAI asks for the role in the message. A misspelt ARN gives the same error as a role that refuses.",
            checks.for_openai(checks.other_role),
            _look_role,
            causes.fix_registration("Register the ARN of the role that you set up.", "role_arn"),
            causes.REGISTRAR,
            proof=proofs.later("roles", "role_arn_wrong"),
        ),
        Cause(
            "role-missing",
            "There is no role with this ARN",
            "AWS does not tell a stranger whether a role exists: a role that was never made, was deleted, or has "
            "another "
            "path answers with the same words.",
            checks.for_openai(
                undecided(
                    "The text looks the same whether the role exists or not. Ask AWS for the role, from its own "
                    "account."
                )
            ),
            _look_role,
            causes.fix_missing_role,
            causes.ROLE_ADMIN,
            proof=proofs.later("roles", "role_missing"),
        ),
        Cause(
            "trust-on-other-role",
            "The trust policy was saved on another role",
            "A trust policy counts only on the very role that is registered. With several roles it is easily saved on "
            "the "
            "wrong one.",
            checks.for_openai(
                undecided("Open the trust policy of exactly the role in the message, not of one with a like name.")
            ),
            causes.look_for_trusting_roles,
            causes.fix_trust("Save the trust policy on the role in the message."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("roles", "trust_on_other_role"),
        ),
        Cause(
            "project-id",
            "A project id stands where the organization id belongs, or the other way round",
            "external_id may be an organization id (org-…) or a project id (proj_…). OpenAI sends the one that you "
            "registered, and the trust policy must demand the same.",
            checks.for_openai(checks.project_id_demanded),
            causes.look_at_trust,
            causes.fix_trust("Demand the very id that you registered as external_id."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("trust", "project_id"),
        ),
        Cause(
            "other-account",
            "The registered role is in another account",
            "The same role name may exist in several accounts, and only one of them was set up.",
            checks.for_openai(checks.other_account),
            _look_role,
            _fix_account,
            causes.REGISTRAR,
            proof=proofs.later("roles", "other_account"),
        ),
        Cause(
            "trust-explicit-deny",
            "A Deny statement in the trust policy applies",
            "A Deny wins over every Allow, also in a trust policy.",
            checks.for_openai(
                checks.explicit_deny(
                    _ACTION,
                    # A role's only resource-based policy is its trust policy.
                    (Policy.TRUST, Policy.RESOURCE),
                    "Look for Effect Deny in the trust policy and read its conditions.",
                )
            ),
            causes.look_at_trust,
            causes.fix_trust("Remove or narrow the Deny statement, so that it spares OpenAI's role."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("trust", "explicit_deny"),
        ),
        Cause(
            "trust-other-condition",
            "Another part of the trust policy keeps OpenAI out",
            "Beside Principal and ExternalId, the statement for OpenAI must allow sts:AssumeRole, and every further "
            "condition in it must hold for OpenAI's call. Multi-factor authentication or your own network never do.",
            checks.for_openai(
                undecided("Look at the Action of your trust policy, and for any condition in it beside sts:ExternalId.")
            ),
            causes.look_at_trust,
            causes.fix_trust("Take the other condition out of the statement for OpenAI, and allow sts:AssumeRole."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("trust", "other_condition"),
        ),
        causes.organization_policy(
            "resource-control-policy",
            "A resource control policy of your organization shuts out other accounts",
            "Resource control policies bind the roles of your accounts. A data perimeter that lets only your own "
            "organization call sts:AssumeRole shuts out OpenAI too.",
            checks.for_openai(
                checks.any_deny(
                    _ACTION,
                    Policy.RCP,
                    "Ask your organization's administrators whether a resource control policy covers sts:AssumeRole.",
                )
            ),
            "RESOURCE_CONTROL_POLICY",
            proofs.later("organization", "rcp_on_role"),
            spare_openai=True,
        ),
        Cause(
            "caller-side-policy",
            "A policy on the caller's side refuses, such as a service control policy",
            "Service control policies, permissions boundaries, session policies and identity policies bind the "
            "caller's "
            "account. OpenAI's call comes from OpenAI's account, so none of yours can stop it.",
            checks.for_openai(
                checks.first_confirmed(
                    checks.any_deny(_ACTION, Policy.SCP, "The text does not name a service control policy."),
                    checks.any_deny(_ACTION, Policy.IDENTITY, "The text does not name an identity-based policy."),
                    checks.any_deny(_ACTION, Policy.BOUNDARY, "The text does not name a permissions boundary."),
                    checks.any_deny(_ACTION, Policy.SESSION, "The text does not name a session policy."),
                    checks.any_deny(_ACTION, Policy.ENDPOINT, "The text does not name a VPC endpoint policy."),
                    otherwise="The text names no policy type. It would be at the end of the message.",
                )
            ),
            _look_openai_side,
            _fix_openai_side,
            "OpenAI support",
        ),
        causes.just_changed("the role or its trust policy"),
    ),
    references=(
        vendor.FAQ,
        vendor.AWS_GUIDE,
        sources.EXTERNAL_ID,
        sources.ACCESS_DENIED,
        sources.TRUST_UPDATE,
        sources.SCP,
        sources.RCP,
    ),
    samples=(
        Sample(
            "User: arn:aws:sts::xxxxx:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
            "perform: sts:AssumeRole on resource: arn:aws:iam::xxxxx:role/xxxxxx",
            vendor.FAQ.url,
        ),
        Sample(
            "User: arn:aws:iam::*:user/gudsen is not authorized to perform: sts:AssumeRole on resource: "
            "aws:iam::*:role/gudsen_role (Service: AWSSecurityTokenService; Status Code: 403; Error Code: "
            "AccessDenied; "
            "Request ID: b59b74ae-9126-4975-8a87-c987e092da76)",
            "https://github.com/amzn/selling-partner-api-models/issues/891",
        ),
        Sample(
            "[ERROR] Exception: b'\\nAn error occurred (AccessDenied) when calling the AssumeRole operation: User: "
            "arn:aws:sts::111111111111:assumed-role/Karpenter-HandlerServiceRole/Karpenter-Handler is not authorized "
            "to "
            "perform: sts:AssumeRole on resource: arn:aws:iam::111111111111:role/EksAdminRole-mycluster\\nUnable to "
            "connect to the server: getting credentials: exec: executable aws failed with exit code 255\\n'",
            "https://github.com/aws/karpenter-provider-aws/issues/4680",
        ),
        Sample(
            "Error: error configuring Terraform AWS Provider: IAM Role (arn:aws:iam::222222222222:role/ci-deploy) "
            "cannot be assumed.\n\nThere are a number of possible causes of this - the most common are:\n  * The "
            "credentials used in order to assume the role are invalid",
        ),
        Sample(
            "User: arn:aws:iam::777788889999:user/JohnDoe is not authorized to perform: sts:AssumeRole with an "
            "explicit "
            "deny in the role trust policy",
            sources.ACCESS_DENIED.url,
        ),
        Sample(
            'provider.aws.accepter: The role "arn:aws:iam::222222222222:role/cross_account_role" cannot be assumed.\n\n'
            "  There are a number of possible causes of this - the most common are:",
            "https://github.com/cloudposse/terraform-aws-vpc-peering-multi-account/issues/6",
        ),
        Sample("failed to create S3 client: operation error STS: AssumeRole, AccessDenied"),
        Sample("❌ Failed to assume role: AccessDenied"),
        Sample("RuntimeError: AccessDenied assuming role"),
        Sample(
            "com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Access denied (Service: "
            "AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: "
            "18486065-9d7d-11e9-b24d-0d84d7b24f70)",
            "https://github.com/jenkinsci/aws-credentials-plugin/issues/66",
        ),
        Sample("User: arn:aws:iam::111122223333:user/app is not authorized to perform: sts:Assu (truncated...)"),
        Sample(
            "SQL execution error: Error assuming AWS_ROLE.\nPlease verify the role and externalId are configured "
            "correctly\n in your AWS policy.",
            "https://dk521123.hatenablog.com/entry/2022/11/25/175912",
        ),
    ),
    near_misses=(
        NearMiss("The role defined for the function cannot be assumed by Lambda.", why="Another service's own role."),
        NearMiss(
            "Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: Sts, Status Code: 403)",
            why="Web identity federation: EKM does not use it.",
        ),
        NearMiss("return fmt.Sprintf(`IAM Role (%s) cannot be assumed.`, role)", why="A program that says so."),
        NearMiss(
            'expectFail(err, "is not authorized to perform: sts:AssumeRole on resource", logger)',
            why="A test that looks for the words.",
        ),
        NearMiss(
            "operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 1, api error "
            "AccessDenied: "
            "User: arn:aws:sts::222222222222:assumed-role/app/session is not authorized to perform: sts:TagSession on "
            "resource: arn:aws:iam::333333333333:role/other",
            why="The denied action is sts:TagSession.",
        ),
        NearMiss(
            "com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Cannot call GetSessionToken "
            "with session credentials (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied)",
            why="Another call of STS.",
        ),
        NearMiss("WebIdentityErr: unable to assume role: AccessDenied", why="Web identity federation again."),
        NearMiss(
            "operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: 1, "
            "RegionDisabledException: STS is not activated in this region for account:222222222222.",
            is_really="aws-sts-region-disabled",
            why="The Region is off; nothing was refused.",
        ),
    ),
)
