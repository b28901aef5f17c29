"""The role ARN does not even have the form of one, so STS did not look for the role."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN
from ekm_core.model import Cause, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai


def _look(values: Values) -> Look:
    return Look(
        (
            "Compare the registered role_arn with the one that the IAM console shows. It reads "
            "arn:aws:iam::ACCOUNT:role/NAME, with two colons after iam and a 12-digit account.",
        ),
        (openai.list_keys(), aws.show_role(values)),
    )


_FIX = causes.fix_registration("Copy the role's ARN from the IAM console, and register that.", "role_arn")

ERROR = KnownError(
    id="aws-sts-invalid-role-arn",
    provider=Provider.AWS,
    title="The role ARN is not a valid ARN of an IAM role",
    summary="STS refused the value itself: it is empty, too short, or not of the form arn:aws:iam::ACCOUNT:role/NAME.",
    link=Link.TRUST,
    proves=(),
    signatures=(
        Signature("request-arn", r"\bRequest ARN is invalid\b", unless=(r"AssumeRoleWith(?:SAML|WebIdentity)",)),
        Signature(
            "constraint",
            r"at '?roleArn'? failed to satisfy constraint",
            1.0,
            needs=(r"ValidationError|AssumeRole|\bsts\b|securitytoken",),
            unless=(r"ValidationException|cloudformation|ChangeSet|(?:Create|Update)Stack|LifecycleHook|autoscaling",),
        ),
        Signature(
            "is-invalid",
            r"\(ValidationError\) (?:occurred )?when calling the AssumeRole\w{0,20} operation: \S{1,300} is invalid",
        ),
        Signature("is-invalid-go", r"STS: AssumeRole\w{0,20}, .{0,200}ValidationError: \S{1,300} is invalid"),
        Signature("is-invalid-bare", r"ValidationError: (?:arn:aws|aws:iam)\S{0,300} is invalid"),
        Signature("php", r"['\"]AssumeRole\w{0,20}['\"] on .{0,400}ValidationError.{0,200} is invalid"),
        Signature("botocore", r"Invalid (?:length|type) for parameter RoleArn\b", 0.8),
        Signature(
            "go-client", r"(?:minimum field size of 20|missing required field), AssumeRole\w{0,20}Input\.RoleArn"
        ),
        Signature(
            "missing",
            r"Missing required (?:parameter|key) .{0,30}['\"]?RoleArn\b",
            1.0,
            needs=(r"assume|\bsts\b",),
            unless=NOT_THROWN,
        ),
    ),
    causes=(
        Cause(
            "empty-or-short",
            "The role ARN is empty or cut off",
            "A role ARN has at least 20 characters.",
            checks.wording(
                r"Value '' at 'roleArn'|length greater than or equal to 20|valid range: 20|valid min length: "
                r"20|minimum field size of 20"
                r"|missing required field, AssumeRole\w*\.RoleArn|Missing required (?:parameter|key).{0,40}RoleArn",
                "The message says that the value is missing or too short.",
                "Look whether the registered role_arn is empty or cut off.",
            ),
            _look,
            _FIX,
            causes.REGISTRAR,
        ),
        Cause(
            "malformed",
            "The value is not the ARN of a role",
            "Often it is the role's name alone, an ARN of another service, an account number with a digit missing, or "
            "one "
            "colon too few.",
            checks.wording(
                r"Request ARN is invalid|\S{1,300} is invalid\b",
                "STS says that the ARN is invalid.",
                "Compare the registered role_arn with the form arn:aws:iam::ACCOUNT:role/NAME.",
            ),
            _look,
            _FIX,
            causes.REGISTRAR,
        ),
    ),
    references=(sources.ASSUME_ROLE, vendor.API_GUIDE),
    samples=(
        Sample(
            "Unable to assume role | ValidationError: 2 validation errors detected: Value '' at 'roleArn' failed to "
            "satisfy "
            "constraint: Member must have length greater than or equal to 20",
            "https://github.com/newscorpaus/consigliere/issues/18",
        ),
        Sample(
            "botocore.exceptions.ClientError: An error occurred (ValidationError) when calling the AssumeRole "
            "operation: "
            "Request ARN is invalid",
            "https://github.com/physera/onelogin-aws-cli/issues/12",
        ),
        Sample(
            "Aurora schema migration failed: ValidationError: Value  at roleArn failed to satisfy constraint: Member "
            "must have length greater than or equal to 20. AssumeRole"
        ),
        Sample(
            "InvalidParameter: 1 validation error(s) found.\n- minimum field size of 20, AssumeRoleInput.RoleArn.",
        ),
    ),
    near_misses=(
        NearMiss(
            "assert!(msg.contains(\"validation error detected: Value 'bogus' at 'roleArn' failed to satisfy "
            'constraint")),',
            why="a test for the words",
        ),
        NearMiss(
            "ValidationException: 1 validation error detected: Value 'worker' at 'role' failed to satisfy constraint: "
            "Member "
            "must satisfy regular expression pattern: arn:aws:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
            why="Lambda's own check of its role.",
        ),
        NearMiss(
            "An error occurred (ValidationError) when calling the AssumeRole operation: The requested DurationSeconds "
            "exceeds "
            "the 1 hour session limit for roles assumed by role chaining.",
            why="The duration, not the ARN.",
        ),
    ),
)
