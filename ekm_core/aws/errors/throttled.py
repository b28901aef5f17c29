"""KMS or STS answers too many requests of one account with a refusal for the moment."""

from __future__ import annotations

from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import KMS_OPERATIONS, NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai

_STS = r"(?:AssumeRole\w{0,20}|GetCallerIdentity|GetSessionToken|GetFederationToken)"
_THROTTLING = r"Throttl(?:ing|ed)(?:Exception)?"


def _look_kms(values: Values) -> Look:
    return Look(
        (
            "Open the Service Quotas console in the account and Region of the key, and read the request rate and its "
            "use.",
            "Look in CloudTrail for whoever makes most of the calls.",
        ),
        (
            aws.command(
                "List the quotas of KMS and their values",
                "service-quotas",
                "list-service-quotas",
                service_code="kms",
                region=aws.region(values),
            ),
        ),
    )


def _fix_kms(values: Values) -> Fix:
    return Fix(
        "Try again later. If it happens often, lower the rate of KMS calls in the account or raise the quota.",
        console=(
            "Try again after a pause: the refusal is for the moment.",
            "Let your own applications keep data keys longer, or ask for a higher quota in the Service Quotas console.",
        ),
        cli=(
            aws.command(
                "Ask for a higher quota",
                "service-quotas",
                "request-service-quota-increase",
                service_code="kms",
                quota_code="<QUOTA_CODE>",
                desired_value="<DESIRED_VALUE>",
                region=aws.region(values),
            ),
        ),
        verify=openai.validate(values),
    )


def _look_sts(values: Values) -> Look:
    return Look(
        ("Look in CloudTrail for whoever assumes roles most often in the account.",),
        (
            aws.command(
                "List the latest AssumeRole calls",
                "cloudtrail",
                "lookup-events",
                lookup_attributes="AttributeKey=EventName,AttributeValue=AssumeRole",
                max_results="50",
            ),
        ),
    )


def _fix_sts(values: Values) -> Fix:
    return Fix(
        "Try again later. If it happens often, let your applications keep their sessions until they expire.",
        console=(
            "Try again after a pause: the refusal is for the moment.",
            "Find the applications that assume a role for every call, and let them keep the session.",
        ),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="aws-throttled",
    provider=Provider.AWS,
    title="AWS limits the rate of calls to KMS or STS",
    summary=(
        "The account made more calls in a second than its quota allows. All users of the account share it, OpenAI's "
        "calls "
        "included. Nothing is wrong with the set-up itself."
    ),
    link=Link.REQUEST,
    proves=(),
    signatures=(
        Signature("kms-sentence", r"exceeded the rate at which you may call KMS"),
        Signature(
            "cli-frame",
            rf"\({_THROTTLING}\) (?:occurred )?when calling the (?:{KMS_OPERATIONS}|{_STS}) operation",
        ),
        Signature("go-frame", rf"operation error (?:STS|KMS): \w{{3,60}}, .{{0,300}}\bapi error {_THROTTLING}"),
        Signature("sts-xml", rf"https://sts\.amazonaws\.com/doc/.{{0,200}}\b{_THROTTLING}"),
        Signature("java-frame", r"Rate exceeded \(Service: (?:AWSSecurityTokenService|STS|AWSKMS|KMS)\b"),
        Signature(
            "java-code",
            rf"Service: (?:AWSSecurityTokenService|STS|AWSKMS|KMS)[;,] Status Code: 400[;,] Error Code: {_THROTTLING}",
        ),
        Signature("ruby-class", r"\b(?:STS|KMS)::Errors::Throttl(?:ing|ed)"),
        Signature("java-class", r"\b(?:securitytoken|sts|kms)\.model\.\w{3,60}: Rate exceeded"),
        Signature("php-frame", rf"['\"]{_STS}['\"] on .{{0,400}}\b{_THROTTLING}"),
        Signature(
            "assume-role", rf"\b(?:assume role|AssumeRole)\b.{{0,160}}\b{_THROTTLING}.{{0,80}}Rate exceeded", 0.8
        ),
        Signature("kms-exception", rf"\b(?:AWS )?KMS\b[^.]{{0,120}}\b{_THROTTLING}: ", 0.8, unless=NOT_THROWN),
        Signature(
            "cloudtrail",
            rf"eventSource['\"]? ?: ?['\"]?(?:kms|sts)\.amazonaws\.com.{{0,400}}errorCode['\"]? ?: "
            rf"?['\"]?{_THROTTLING}",
            0.8,
        ),
        Signature("service-code", thrown(r"KMS\.?Throttling(?:Exception)?"), 0.8, unless=NOT_THROWN),
    ),
    causes=(
        Cause(
            "kms-quota",
            "The account's request rate for KMS is used up",
            "Every cryptographic call of the account in the Region counts, whoever makes it.",
            checks.wording(
                r"may call KMS|operation error KMS: |Service: (?:AWSKMS|Kms)\b|kms\.amazonaws\.com|KMS\.?Throttling\w*",
                "The message comes from KMS.",
                "The text does not say which service refused. Look at the operation's name.",
                instead=r"sts\.[\w.-]*amazonaws\.com|operation error STS: |AWSSecurityTokenService",
            ),
            _look_kms,
            _fix_kms,
            causes.KEY_ADMIN,
        ),
        Cause(
            "sts-quota",
            "The account's request rate for STS is used up",
            # Unverified: the page of STS on its common errors was not found again.
            "Usually applications that assume a role anew for every call use it up.",
            checks.wording(
                r"sts\.[\w.-]*amazonaws\.com|operation error STS: |AWSSecurityTokenService|calling the "
                r"(?:AssumeRole|Get)\w*",
                "The message comes from STS.",
                "The text does not say which service refused. Look at the operation's name.",
                instead=r"may call KMS|operation error KMS: |Service: (?:AWSKMS|Kms)\b",
            ),
            _look_sts,
            _fix_sts,
            causes.ROLE_ADMIN,
        ),
    ),
    references=(sources.KMS_QUOTAS, sources.STS_ERRORS),
    samples=(
        Sample(
            "ThrottlingException: You have exceeded the rate at which you may call KMS. Reduce the frequency of your "
            "calls.",
        ),
        Sample(
            "operation error STS: GetCallerIdentity, exceeded maximum number of attempts, 3, https response error "
            "StatusCode: "
            "400, RequestID: 960b746e-aeb5-4d9d-a6e4-3b6daf4cc5a6, api error Throttling: Rate exceeded",
            "https://github.com/aws/aws-sdk-go-v2/issues/2481",
        ),
        Sample(
            "Failed to assume role via STS: ServiceError( ServiceError { source: Unhandled( Unhandled { source: "
            "ErrorMetadata "
            '{ code: Some("Throttling"), message: Some("Rate exceeded")',
            "https://github.com/lakekeeper/lakekeeper/issues/1397",
        ),
    ),
    near_misses=(
        NearMiss(
            "TooManyRequestsException: Too Many Requests status code: 429, request id: *******", why="Another service."
        ),
        NearMiss("Received when KMS returns ThrottlingException for a KMS call", why="An SDK's documentation."),
        NearMiss("Throttling: Rate exceeded at deserializeAws_queryListAttachedRolePolicies", why="IAM's own limit."),
    ),
)
