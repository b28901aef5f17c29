"""The key's ARN is malformed, of another Region than the call, or an alias where a key is needed."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

_REGION = r"Invalid arn [a-z]{2}(?:-[a-z]{2,10}){1,3}-\d"
_ALIAS = r"Key Aliases are not supported for this operation"


def _fix_region(values: Values) -> Fix:
    return Fix(
        "Name a key of the Region that the call goes to. A key exists in one Region; a multi-Region key has an ARN in "
        "each.",
        console=(
            causes.key_console(values),
            "Copy the ARN from this page. Its fourth part, after kms:, is the Region.",
        ),
        cli=(aws.show_key(values), *aws.registration(values)),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="aws-kms-invalid-arn",
    provider=Provider.AWS,
    title="The ARN of the KMS key is not valid for this call",
    summary=(
        "KMS could not take the ARN: it is malformed, its Region is not the one that the call went to, or it names an "
        "alias "
        "where a key is needed."
    ),
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature("region", r"\bInvalid arn [a-z]{2}(?:-[a-z]{2,10}){1,3}-\d\b"),
        Signature("not-found", r"\bNotFoundException\)?.{0,80}\bInvalid arn\b"),
        Signature("alias", r"\bKey Aliases are not supported for this operation"),
        Signature("malformed", r"\b(?:malformed|invalid|not a valid) (?:AWS )?KMS (?:key )?arn\b", 0.8),
        Signature("sops", r"\bno\b.valid ARN found\b", 0.8, needs=(r"\bkms\b|data ?key|master key",)),
        Signature("parameter", r"at '?(?:kms\w{0,20}|\w{0,30}KmsKey\w{0,10})'? failed to satisfy constraint", 0.8),
        Signature(
            "exception",
            thrown(r"InvalidArn(?:Exception)?"),
            0.8,
            needs=(r"\bkms\b|GetKeyPolicy|Encrypt|Decrypt|DataKey|DescribeKey|Key Alias",),
            unless=NOT_THROWN,
        ),
    ),
    causes=(
        Cause(
            "other-region",
            "The key is in another Region than the call",
            "KMS answers for the keys of its own Region only.",
            checks.wording(
                _REGION,
                "KMS names the Region of the ARN, and refuses it.",
                "Compare the Region in the ARN with the one that the call went to.",
                instead=_ALIAS,
            ),
            causes.look_at_other_key,
            _fix_region,
            causes.REGISTRAR,
        ),
        Cause(
            "alias",
            "An alias is given where the key itself is needed",
            "Management calls such as GetKeyPolicy take a key id or a key ARN, never an alias.",
            checks.wording(
                _ALIAS,
                "KMS says that it takes no alias here.",
                "Look whether the value begins with alias/.",
                instead=_REGION,
            ),
            causes.look_at_other_key,
            causes.fix_registration("Use the key's own ARN, in the call and in the registration.", "kms_key"),
            causes.YOURSELF,
        ),
        Cause(
            "malformed",
            "The ARN is malformed",
            "A key ARN reads arn:aws:kms:REGION:ACCOUNT:key/KEY-ID, with a 12-digit account.",
            undecided("Compare the registered ARN, letter by letter, with the one that the KMS console shows."),
            causes.look_at_other_key,
            causes.fix_registration("Copy the ARN from the KMS console instead of typing it.", "kms_key"),
            causes.REGISTRAR,
        ),
    ),
    references=(sources.KEY_IDENTIFIERS, vendor.API_GUIDE),
    samples=(
        Sample(
            "Error encrypting credentials/kubelet-tls-bootstrap-token: NotFoundException: Invalid arn\n\tstatus code: "
            "400, "
            "request id: 9d4a79de-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            "https://github.com/kubernetes-retired/kube-aws/issues/1041",
        ),
        Sample(
            "An error occurred (InvalidArnException) when calling the GetKeyPolicy operation: Key Aliases are not "
            "supported "
            "for this operation."
        ),
        Sample("com.amazonaws.services.kms.model.NotFoundException: Invalid arn us-east-1 (Service: AWSKMS)"),
        Sample(
            'Failed to encrypt new data key with master key "alias/sops": Failed to create session: No valid ARN found '
            'in "alias/sops"',
            "https://github.com/getsops/sops/issues/214",
        ),
    ),
    near_misses=(
        NearMiss('Error: No valid ARN found in "topic"', why="No word of a key."),
        NearMiss("Invalid ARN specified in the request", why="No word of KMS: many services say so."),
        NearMiss(
            "Post https://kms.us-east-1a.amazonaws.com/: dial tcp: lookup kms.us-east-1a.amazonaws.com: no such host",
            why="A Region that does not exist fails before KMS.",
        ),
    ),
)
