"""The customer's role may not use the key: by its own policies, by the key policy, or by the organization's."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.checks import Policy
from ekm_core.aws.wordings import KMS_OPERATIONS, NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told


def _look_caller(values: Values) -> Look:
    return Look(
        (
            "Compare the role name in the caller of the message with your EKM role"
            f"{told(', ', aws.role_name(values), '')}.",
        ),
        (causes.show_caller(), aws.show_role(values)),
    )


def _fix_caller(values: Values) -> Fix:
    return Fix(
        "Nothing is proven about EKM: OpenAI's calls carry your EKM role. Test with OpenAI's own call.",
        console=("Run OpenAI's validate call, and paste the error that it answers with.",),
        verify=openai.validate(values),
    )


def _look_boundary(values: Values) -> Look:
    return Look(
        (causes.role_console(values), "On the tab Permissions, open the section Permissions boundary."),
        (
            aws.show_role(values),
            aws.command("Show the boundary's policy", "iam", "get-policy", policy_arn="<BOUNDARY_POLICY_ARN>"),
        ),
    )


def _fix_boundary(values: Values) -> Fix:
    return Fix(
        "Let the permissions boundary allow both actions on the key as well. A boundary grants nothing by itself, it "
        "only caps.",
        console=(
            causes.role_console(values),
            "Open the policy that is set as Permissions boundary, and add the statement of the policy below to it.",
        ),
        policies=(aws.identity_policy(values),),
        verify=(aws.show_role(values), *openai.validate(values)),
    )


def _fix_deny_identity(values: Values) -> Fix:
    return Fix(
        "Remove or narrow the Deny statement in the role's policies. No Allow can outweigh it.",
        console=(
            causes.role_console(values),
            "Open each policy on the tab Permissions and look for Effect Deny that covers kms:Encrypt or kms:Decrypt.",
            "Narrow its Action, Resource or Condition so that it spares the key.",
        ),
        verify=(aws.simulate(values), *openai.validate(values)),
    )


def _fix_deny_key_policy(values: Values) -> Fix:
    return Fix(
        "Remove or narrow the Deny statement in the key policy, so that it spares the role.",
        console=(
            causes.key_console(values),
            "On the tab Key policy, find the statement with Effect Deny and add the condition below to it.",
        ),
        cli=aws.cli_key_policy(values)[:1],
        policies=(aws.principal_exception(values),),
        verify=(aws.show_key_policy(values), *openai.validate(values)),
    )


def _fix_session(values: Values) -> Fix:
    return Fix(
        "The session itself was made with a narrower policy, or went through a VPC endpoint that narrows it. Whoever "
        "makes the session must change that. If the caller is OpenAI, send the whole message to OpenAI's support.",
        console=("Send OpenAI the whole message with its request id and time.",),
        verify=openai.validate(values),
    )


def _fix_cross_account(values: Values) -> Fix:
    both = causes.fix_key_policy("Across accounts both must allow it: the key policy must name the role.")(values)
    return Fix(
        "Across accounts both policies must allow it: the key policy must name the role, and the role's own policy the "
        "key.",
        console=(*both.console, "Then make sure that the role's own policy allows both actions on the key's ARN."),
        cli=(*both.cli, aws.cli_set_identity(values)),
        terraform=(*both.terraform, aws.terraform_identity(values)),
        policies=(aws.key_policy_statement(values), aws.identity_policy(values)),
        verify=both.verify,
    )


_EITHER = "Compare the role's policies and the key policy with the fix below."

ERROR = KnownError(
    id="aws-kms-access-denied",
    provider=Provider.AWS,
    title="Your role is not allowed to use the KMS key",
    summary=(
        "AWS KMS refused kms:Encrypt, kms:Decrypt or another action on the key. The role's own policies and the key "
        "policy must allow it together, and no policy of the organization may deny it."
    ),
    link=Link.PERMISSION,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature(
            "sentence",
            r"(?:not|n't) auth\w{2,10} (?:to perform|to call|to invoke|to use|for) ?:? ?(?:the )?(?:action:? "
            r")?['\"]?kms ?:(?:\w{1,60}|\*)?(?:[^\w:]|$)",
        ),
        Signature(
            "console", r"(?:Access denied to|do(?:n't| not) have permissions? to(?: perform:?)?) ['\"]?kms:\w{2,60}"
        ),
        Signature(
            "lacking", r"(?:does|did|do)(?:n't| not) have (?:the )?['\"]?kms:\w{2,60}['\"]? (?:permission|access)", 0.8
        ),
        Signature("console-details", r"Service: kms Action: \w{2,60}", 0.8),
        Signature("cut-sentence", r"\bperform: kms:\w{2,60} on (?:the |this )?resource", 0.6),
        Signature("reason", r"\bno [\w -]{3,40} allows? the ['\"]?kms:\w{2,60}", 0.6),
        Signature("ciphertext", r"ciphertext refers to a (?:customer master key|CMK|(?:AWS )?KMS key|key)\b"),
        Signature(
            "ciphertext-references", r"ciphertext references a key that either does not exist or you do not have access"
        ),
        Signature("access-to-kms", r"Access to KMS is not allowed"),
        Signature(
            "no-policy", r"no resource-based policies allow access, or a resource-based policy explicitly denies"
        ),
        Signature("lambda", r"because (?:the )?KMS access was denied"),
        Signature("dynamodb", r"KMS key access denied error"),
        Signature("kinesis", r"KMSAccessDeniedException.{0,20} User \S{1,300} is not authori[sz]ed to \w{4,10}"),
        Signature(
            "not-accessible",
            r"KMS key .{0,200}does not exist, is not enabled or you do not have permissions? to "
            "access it",
        ),
        Signature("ec2-key", r"(?:specified KMS key|[Gg]iven key ID) is not accessible\b", 0.6),
        Signature("ec2", r"encrypted with an inaccessible (?:AWS )?KMS key", 0.6),
        Signature("ec2-volume", r"volume was unable to access the KMS (?:master )?key", 0.8),
        Signature("ec2-code", thrown("CustomerKeyHasBeenRevoked"), 0.8, unless=NOT_THROWN),
        Signature(
            "ec2-event",
            r"\b(?:Client\.|fail(?:s|ed) with (?:\w{1,12} ){0,2}['\"]?)CustomerKeyHasBeenRevoked\b",
            0.8,
            unless=NOT_THROWN,
        ),
        Signature("logs", r"specified KMS key (?:ARN |Id )?does not exist or is not allowed to be used"),
        Signature(
            "services",
            r"not authori[sz]ed (?:to (?:use|access)|for) (?:the |this "
            r")?(?:specified )?"
            r"(?:AWS )?(?:customer )?(?:managed )?KMS|not have authori[sz]ation to (?:use|access) the [\w ]{3,40} "
            r"encryption key|Insufficient permissions to access .{0,120}\bKMS key",
            0.8,
        ),
        Signature("service-code", thrown(r"KMS\.?AccessDenied(?:Exception|Fault)?"), 0.8, unless=NOT_THROWN),
        Signature("rds-code", thrown(r"KMSKeyNotAccessible(?:Fault)?"), 0.8, unless=NOT_THROWN),
        Signature(
            "cli-frame",
            rf"\(AccessDenied(?:Exception)?\) (?:occurred )?when calling the {KMS_OPERATIONS} operation",
            0.8,
        ),
        Signature(
            "cli-frame-keys",
            r"\(AccessDenied(?:Exception)?\) (?:occurred )?when calling the (?:CreateKey|ListKeys) operation",
            0.8,
            needs=(r"\bkms\b",),
        ),
        Signature("go-frame", r"(?:operation error |error )KMS: \w{3,60}, (?:.{0,200}\bapi error )?AccessDenied", 0.8),
        Signature(
            "java-frame",
            r"Service: (?:AWSKMS|KMS)[;,] Status Code: 400[;,] Error Code: AccessDenied",
            0.8,
        ),
        Signature(
            "kms-call",
            r"(?:(?:calling|from|by) (?:AWS )?KMS \w{0,40} ?(?:API|service)?|\bKMS (?:en|de)crypt(?:ion)?)"
            r": ?AccessDenied",
            0.8,
        ),
        Signature(
            "short",
            r"AccessDenied(?:Exception)?: ?['\"]?(?:kms:\w{3,60}|KMS key access denied)",
            0.8,
            unless=NOT_THROWN,
        ),
        Signature("ruby-class", r"\bKMS::Errors::AccessDenied", 0.8, unless=(*NOT_THROWN, r"\brescue \S{0,20}KMS::")),
        Signature("kms-exception", r"KMS Exception: ?AccessDenied", 0.8),
        Signature(
            "cloudtrail",
            r"eventSource['\"]? ?: ?['\"]?kms\.amazonaws\.com.{0,400}errorCode['\"]? ?: ?['\"]?AccessDenied",
            0.8,
        ),
    ),
    causes=(
        Cause(
            "identity-policy-missing",
            "The role's own policy does not allow the action on this key",
            "The role that OpenAI assumes needs kms:Encrypt and kms:Decrypt on the key's ARN in a policy of its own.",
            checks.for_ekm_role(
                checks.missing_allow(
                    "kms", Policy.IDENTITY, "Look whether the role's policies allow both actions on the key's ARN."
                )
            ),
            causes.look_at_identity,
            causes.fix_identity("Let the role encrypt and decrypt with this one key."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "identity_missing"),
        ),
        Cause(
            "identity-policy-wrong-resource",
            "The role's policy names an alias, another key or another Region",
            "A policy must name the key's own ARN. An alias in Resource grants nothing, and every Region has keys of "
            "its "
            "own, also under one multi-Region key id.",
            checks.for_ekm_role(
                undecided(
                    "The text does not show your policy. Compare its Resource with the key's ARN in the message, "
                    "Region "
                    "and account included."
                )
            ),
            causes.look_at_identity,
            causes.fix_identity("Name the key's own ARN in Resource."),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "identity_wrong_resource"),
        ),
        Cause(
            "key-policy-missing",
            "The key policy does not let the role use the key",
            "IAM policies count for a key only where its key policy delegates to the account. Without that, and "
            "without "
            "naming the role, the role's own policy has no effect.",
            checks.for_ekm_role(
                checks.missing_allow(
                    "kms",
                    Policy.RESOURCE,
                    "Look whether the key policy names the account's root, or the role, for both actions.",
                )
            ),
            causes.look_at_key_policy,
            causes.fix_key_policy("Add the role to the key policy, and keep every statement that is there."),
            causes.KEY_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "key_policy_missing"),
        ),
        Cause(
            "other-key",
            "OpenAI uses another key than the one you set up",
            "The registered ARN differs from the key that the policies name: another key, Region or account, or an "
            "alias "
            "that was pointed at another key.",
            checks.for_ekm_role(checks.key_used),
            causes.look_at_other_key,
            causes.fix_registration("Register the ARN of the key that you set up, not an alias.", "kms_key"),
            causes.REGISTRAR,
            proof=proofs.later("kms", "other_key"),
        ),
        Cause(
            "key-policy-explicit-deny",
            "A Deny statement in the key policy applies",
            "A Deny wins over every Allow. Key policies often deny every principal that is not on a list.",
            checks.for_ekm_role(
                checks.explicit_deny("kms", (Policy.RESOURCE,), "Look for Effect Deny in the key policy.")
            ),
            causes.look_at_key_policy,
            _fix_deny_key_policy,
            causes.KEY_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "key_policy_deny"),
        ),
        Cause(
            "identity-explicit-deny",
            "A Deny statement in the role's own policies applies",
            "A Deny wins over every Allow, whichever policy it stands in.",
            checks.for_ekm_role(
                checks.explicit_deny("kms", (Policy.IDENTITY,), "Look for Effect Deny in the role's policies.")
            ),
            causes.look_at_identity,
            _fix_deny_identity,
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "identity_deny"),
        ),
        Cause(
            "permissions-boundary",
            "The role's permissions boundary does not let it use the key",
            "A permissions boundary caps what the role's policies can grant.",
            checks.for_ekm_role(
                checks.any_deny("kms", Policy.BOUNDARY, "Look whether the role has a permissions boundary.")
            ),
            _look_boundary,
            _fix_boundary,
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "boundary"),
        ),
        causes.organization_policy(
            "service-control-policy",
            "A service control policy of your organization denies it",
            "Service control policies cap every role of a member account. AWS can call it an explicit deny even where "
            "the policy merely lacks an allow.",
            checks.for_ekm_role(
                checks.any_deny(
                    "kms", Policy.SCP, "Ask your organization's administrators for policies that cover kms."
                )
            ),
            "SERVICE_CONTROL_POLICY",
            proofs.later("organization", "scp_on_key"),
        ),
        causes.organization_policy(
            "resource-control-policy",
            "A resource control policy of your organization denies it",
            "Resource control policies bind the keys of your accounts, whoever calls.",
            checks.for_ekm_role(
                checks.any_deny(
                    "kms", Policy.RCP, "Ask your organization's administrators for policies that cover kms."
                )
            ),
            "RESOURCE_CONTROL_POLICY",
            proofs.later("organization", "rcp_on_key"),
        ),
        Cause(
            "key-in-other-account",
            "The key is in another account than the role, and not both accounts allow it",
            "Across accounts the key policy must allow the role AND the role's own policy must allow the key.",
            checks.for_ekm_role(checks.key_in_other_account),
            causes.look_at_key_policy,
            _fix_cross_account,
            causes.KEY_ADMIN,
            vendor.AWS_IAM_WAIT,
            proof=proofs.later("kms", "key_in_other_account"),
        ),
        Cause(
            "ciphertext-other-key",
            "The data was encrypted under a key that the role may not use, or that is gone",
            "On Decrypt KMS takes the key from the ciphertext. If an alias or the registration was pointed at another "
            "key since, older data still needs the older key.",
            checks.for_ekm_role(checks.ciphertext_wording),
            causes.look_at_other_key,
            causes.fix_identity(
                "Let the role use the key that the data was encrypted under, as long as such data exists."
            ),
            causes.ROLE_ADMIN,
            vendor.AWS_IAM_WAIT,
        ),
        Cause(
            "session-or-endpoint-policy",
            "A session policy or a VPC endpoint policy narrows the call",
            "Whoever makes the session can narrow it further, and so can the VPC endpoint that the call passes.",
            checks.for_ekm_role(
                checks.first_confirmed(
                    checks.any_deny("kms", Policy.SESSION, _EITHER),
                    checks.any_deny("kms", Policy.ENDPOINT, _EITHER),
                    otherwise="The text names neither. It would be at the end of the message.",
                )
            ),
            _look_caller,
            _fix_session,
            "OpenAI support, or whoever made the session",
        ),
        Cause(
            "own-test",
            "The call was not made by your EKM role",
            "OpenAI reaches the key only as a session of the role that you registered.",
            checks.kms_not_ekm_role,
            _look_caller,
            _fix_caller,
            causes.YOURSELF,
        ),
        causes.just_changed("the role's policy or the key policy"),
    ),
    references=(
        vendor.FAQ,
        vendor.AWS_GUIDE,
        sources.ACCESS_DENIED,
        sources.EVALUATION,
        sources.KEY_POLICY,
        sources.KMS_IAM,
        sources.KMS_CROSS_ACCOUNT,
        sources.SCP,
        sources.RCP,
    ),
    samples=(
        Sample("User: xxxxx is not authorized to perform: kms:Encrypt on resource", vendor.FAQ.url),
        Sample(
            "!!! AccessDeniedException: User: arn:aws:iam::*****:user/****** is not authorized to perform: "
            "kms:DescribeKey on resource: arn:aws:kms:us-east-1:*******:key/*******\n!!! status code: 400, request id: "
            "*******",
            "https://github.com/rebuy-de/aws-nuke/issues/247",
        ),
        Sample(
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access",
            "https://github.com/LBHackney-IT/Data-Platform/pull/580",
        ),
        Sample(
            "Instance failed to launch. Cause: One or more of the attached Amazon EBS volumes are encrypted with an "
            "inaccessible AWS KMS key.",
            "https://github.com/aws-samples/eks-workshop-v2/issues/1542",
        ),
        Sample("the failed `AttachVolume` request with the error: Client.CustomerKeyHasBeenRevoked"),
        Sample("AttachVolume fails with CustomerKeyHasBeenRevoked when the volume uses a key of yours."),
        Sample("signer: KMS decrypt: AccessDeniedException"),
        Sample(
            "CloudWatch Alarms does not have authorization to access the SNS topic encryption key.",
            "https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/31",
        ),
        Sample(
            "User is not authorized for the KMS default master key for CodeCommit 'alias/aws/codecommit'",
            "https://github.com/awsdocs/aws-codecommit-user-guide/issues/23",
        ),
        Sample(
            "KmsException: User: <User_ARN> is not authorized to perform : kms :GenerateDataKey on resource: <KEY_ID>",
            "https://github.com/apache/hadoop/blob/trunk/hadoop-tools/hadoop-aws/src/site/markdown/tools/hadoop-aws/"
            "encryption.md",
        ),
        Sample(
            "An error occurred (InvalidParameterValue) when calling the ImportImage operation: The specified KMS key "
            "is not accessible. If this is a default EBS CMK, please retry your request.",
            "https://github.com/awsdocs/vm-import-export-user-guide/issues/9",
        ),
        Sample(
            'before I did this I got a "does not have kms:GenerateDataKey permissions" error in the logs',
            "https://github.com/govuk-one-login/authentication-api/pull/2213",
        ),
        Sample("in `raise_error': Aws::KMS::Errors::AccessDeniedException (Aws::KMS::Errors::AccessDeniedException)"),
        Sample("operation error KMS: Decrypt, AccessDeniedException: not authorized"),
        Sample(
            '{"__type":"AccessDeniedException","Message":"User: '
            "arn:aws:sts::222222222222:assumed-role/openai-ekm/OpenAI-EKM-Service is not authorized to perform: "
            "kms:Decrypt on resource: arn:aws:kms:eu-central-1:222222222222:key/e7b0fb1b-8903-4a44-afd9-baa76f246adc "
            'with an explicit deny in a resource-based policy"}',
        ),
        Sample(
            "An error occurred (KMS.AccessDeniedException) when calling the SendMessage operation: null",
        ),
        Sample(
            'aws kms --region=us-west-1 create-key --description="kube-aws assets"\n'
            "An error occurred (AccessDeniedException) when calling the CreateKey operation:",
            "https://github.com/PaddlePaddle/Paddle/pull/1082",
        ),
        Sample(
            "An error occurred (CustomerKeyHasBeenRevoked) when calling the AttachVolume operation: Volume vol-1 "
            "cannot be attached. The encrypted volume was unable to access the KMS master key.",
            "https://github.com/kubernetes-retired/kube-aws/issues/393",
        ),
    ),
    near_misses=(
        NearMiss(
            'case "CustomerKeyHasBeenRevoked": return errors.New("Your keys have been revoked")',
            why="A program's branch.",
        ),
        NearMiss(
            "An error occurred (AccessDenied) when calling the PutObject operation: User: "
            "arn:aws:iam::222222222222:user/"
            "dev is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy",
            why="S3, not KMS.",
        ),
        NearMiss(
            "AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue",
            why="Secrets Manager itself refuses.",
        ),
        NearMiss(
            "The role needs kms:CreateGrant, kms:Decrypt and kms:DescribeKey.",
            why="A list of permissions, no error.",
        ),
        NearMiss("If the bucket is encrypted with KMS, the role must have kms:Decrypt permission.", why="Advice."),
        NearMiss("rescue Aws::KMS::Errors::AccessDeniedException => e", why="A program that handles the error."),
        NearMiss(
            "rescue ::Aws::KMS::Errors::AccessDeniedException,\n       ::Aws::KMS::Errors::KMSInvalidStateException",
            why="A program that handles several.",
        ),
        NearMiss(
            "An error occurred (AccessDeniedException) when calling the CreateKey operation: User is not authorized to "
            "perform: geo:CreateKey",
            why="Amazon Location has keys too.",
        ),
    ),
)
