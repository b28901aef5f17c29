"""STS is switched off in the Region for the account."""

from __future__ import annotations

from ekm_core.aws import checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai


def _look(values: Values) -> Look:
    return Look(
        (
            "Sign in to the account that the message names, open the IAM console, and choose Account settings.",
            "Under Security Token Service (STS), read the table of endpoints.",
        ),
        (
            aws.command(
                "Show whether the Region is switched on for the account",
                "account",
                "get-region-opt-status",
                region_name=aws.region(values),
            ),
        ),
    )


def _fix(values: Values) -> Fix:
    return Fix(
        "Activate STS for the Region, or the Region itself if it is switched off.",
        console=(
            "In the IAM console of the account that the message names, choose Account settings.",
            "Under Security Token Service (STS), find the Region and set it to Active.",
            "If the Region is not in the table, enable it under AWS Regions in the account's page first.",
        ),
        cli=(
            aws.command(
                "Switch the Region on, where it is an opt-in Region",
                "account",
                "enable-region",
                region_name=aws.region(values),
            ),
        ),
        verify=(
            aws.command("Ask STS in that Region who you are", "sts", "get-caller-identity", region=aws.region(values)),
            *openai.validate(values),
        ),
    )


ERROR = KnownError(
    id="aws-sts-region-disabled",
    provider=Provider.AWS,
    title="AWS STS is not activated in this Region for the account",
    summary="The call went to a Region in which the account has STS, or the whole Region, switched off.",
    link=Link.TRUST,
    proves=(),
    signatures=(
        Signature(
            "sentence",
            r"\bSTS is not (?:activated|active|enabled) in this region\b",
            unless=(r"\b(?:if|make sure|when) (?:AWS )?STS is not",),
        ),
        Signature(
            "exception",
            thrown(r"RegionDisabled(?:Exception)?"),
            0.8,
            unless=(*NOT_THROWN, r"requested region for the account that is being asked"),
        ),
    ),
    causes=(
        Cause(
            "endpoint-inactive",
            "STS is switched off for the Region in the account",
            "Every account can switch STS off by Region, and opt-in Regions start switched off.",
            checks.wording(
                r"STS is not activated in this region(?: for account:? ?\S{1,20})?",
                "AWS says so, and names the account.",
                "Look at the endpoints of STS in the account settings of IAM.",
            ),
            _look,
            _fix,
            "Administrator of the account that the message names",
        ),
    ),
    references=(sources.STS_REGIONS, sources.ASSUME_ROLE),
    samples=(
        Sample(
            "RegionDisabledException: STS is not activated in this region for account:01234567890. Your account "
            "administrator can activate STS in this region using the IAM Console.",
            "https://github.com/org-formation/org-formation-cli/issues/465",
        ),
        Sample(
            "operation error STS: AssumeRole, https response error StatusCode: 403, RequestID: "
            "a3556be4-6ace-479e-acd8-db5a74762c7c, RegionDisabledException: STS is not activated in this region for "
            "account:222222222222.",
            "https://github.com/turbot/steampipe-plugin-aws/issues/1510",
        ),
    ),
    near_misses=(
        NearMiss("Some AWS regions require manual activation. Try activating the region.", why="Prose."),
        NearMiss(
            '"STS not activated": r"STS is not activated in this region for account:(.*?). Your account administrator',
            why="A pattern that looks for the message.",
        ),
        NearMiss(
            'if (ex.getMessage().contains("STS is not activated in this region")) {\n'
            '  logger.info("STS is not activated in this region for resource {} in {}", resourceName, region, ex);',
            why="Program text: a test for the message, and what it then says itself.",
        ),
    ),
)
