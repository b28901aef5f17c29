"""The key lives in a custom key store (external or CloudHSM), and the store cannot be reached or is not set up."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai

# CloudHSM's own exceptions begin alike, and only KMS's name the cluster.
_NAMES = r"(?:Xks|CloudHsmCluster|CustomKeyStore)\w{3,60}"
_STORE_ADMIN = "Administrator of the custom key store and of the external key manager or CloudHSM cluster"


def _look(values: Values) -> Look:
    return Look(
        (
            f"Open the KMS console in {causes.region(values)}, choose Custom key stores, and open the store of "
            f"the key.",
            "Read its connection state and the connection error code.",
        ),
        (aws.show_key_store(values), aws.show_key(values)),
    )


def _fix(summary: str, *steps: str) -> Callable[[Values], Fix]:
    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(*steps, "Then connect the key store in the KMS console, and wait until its state is Connected."),
            cli=(
                aws.command(
                    "Connect the key store",
                    "kms",
                    "connect-custom-key-store",
                    custom_key_store_id="<CUSTOM_KEY_STORE_ID>",
                    region=aws.region(values),
                ),
            ),
            verify=(aws.show_key_store(values), *openai.validate(values)),
        )

    return fix


ERROR = KnownError(
    id="aws-kms-custom-key-store",
    provider=Provider.AWS,
    title="The custom key store behind the KMS key does not answer as it should",
    summary=(
        "The key's material is outside of KMS: with an external key manager, or in a CloudHSM cluster. KMS could not "
        "use "
        "it there."
    ),
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature(
            "proxy",
            r"external key store proxy (?:did(?: not|n't) respond in|rejected the|denied access|submitted for)",
            unless=(*NOT_THROWN, r"This exception is thrown|class \w{3,80}Exception"),
        ),
        Signature(
            "kms-cannot",
            r"KMS (?:cannot|can't|can not|could not) (?:communicate with|interpret|find|reach|connect(?: "
            r"to)?|use|decrypt|encrypt"
            r"|complete)[\w' ]{0,60}(?:external key|custom key store|key store proxy|CloudHSM)",
        ),
        Signature("rejected", r"KMS rejected the request because", 1.0, needs=(r"external key|key store",)),
        Signature(
            "store-state",
            r"custom key store (?:\S{1,80} )?(?:is not connected|is disconnected|is not in a)",
            needs=(r"Exception\b|An error occurred|rejected|failed",),
            unless=(r"indicates? that",),
        ),
        Signature(
            "connection-error",
            r"ConnectionErrorCode['\"]? ?[:=] "
            r"?['\"]?(?:XKS_|INVALID_CREDENTIALS|CLUSTER_|USER_|NETWORK_ERRORS|INTERNAL_ERROR"
            r"|INSUFFICIENT_|SUBNET_)",
        ),
        Signature(
            "error-code",
            r"error code:? (?:XKS_(?:PROXY|VPC)_\w{3,60}|USER_NOT_FOUND|CLUSTER_NOT_FOUND|USER_LOCKED_OUT)",
        ),
        Signature(
            "exception",
            thrown(rf"{_NAMES}(?:Exception|Fault)"),
            0.8,
            unless=NOT_THROWN,
        ),
        Signature(
            "exception-with-sentence",
            rf"\b{_NAMES}Exception:? (?:The|AWS|KMS|CloudHSM|An|User) ",
            0.8,
            unless=NOT_THROWN,
        ),
    ),
    causes=(
        Cause(
            "proxy-unreachable",
            "The external key store proxy cannot be reached, or is too slow",
            "KMS waits 250 milliseconds for the proxy.",
            checks.wording(
                r"did(?: not|n't) respond|cannot communicate "
                r"with|XksProxyUriUnreachable\w*|XKS_PROXY_(?:TIMED_OUT|NOT_REACHABLE)",
                "KMS says that the proxy did not answer.",
                "Look at the connection state and its error code.",
            ),
            _look,
            _fix(
                "Make the proxy reachable and quick again.",
                "Check that the proxy runs, and its endpoint, path, VPC endpoint service, certificate and latency.",
            ),
            _STORE_ADMIN,
        ),
        Cause(
            "proxy-credentials",
            "The proxy does not accept KMS' credentials",
            "The access key on the proxy was changed, and the key store still has the old one.",
            checks.wording(
                r"could not authenticate AWS "
                r"KMS|XksProxyIncorrectAuthentication\w*|XksProxyInvalidConfiguration.{0,40}credential"
                r"|ErrorCode\W{1,4}INVALID_CREDENTIALS",
                "KMS names the credentials as the reason.",
                "Look at the connection error code: INVALID_CREDENTIALS names this cause.",
            ),
            _look,
            _fix(
                "Give the key store the credentials that the proxy expects.",
                "In the KMS console edit the key store, and enter the proxy's access key id and secret.",
            ),
            _STORE_ADMIN,
        ),
        Cause(
            "external-key",
            "The external key is missing, disabled or not allowed",
            "The KMS key only refers to a key in the external key manager.",
            checks.wording(
                r"XksKeyNotFound\w*|XksKeyInvalidConfiguration\w*|proxy denied access",
                "The exception names the external key.",
                "Look for the external key in the external key manager.",
            ),
            _look,
            _fix(
                "Restore or allow the external key.",
                "In the external key manager, check that the key exists, is enabled, and allows encrypt and decrypt.",
            ),
            _STORE_ADMIN,
        ),
        Cause(
            "store-disconnected",
            "The key store is not connected",
            "Its keys are unavailable until it is connected again.",
            checks.wording(
                r"is not connected|is disconnected|CustomKeyStoreInvalidState\w*",
                "KMS names the state of the key store.",
                "Look at the connection state.",
            ),
            _look,
            _fix("Connect the key store again."),
            _STORE_ADMIN,
        ),
        Cause(
            "cloudhsm-cluster",
            "The CloudHSM cluster is not fit for use",
            "KMS needs an active cluster with the user kmsuser. To make the key store, two HSMs must be active in "
            "different Availability Zones; to connect it, one is enough.",
            checks.wording(
                r"CloudHsmCluster\w*|CLUSTER_NOT_FOUND|USER_NOT_FOUND|USER_LOCKED_OUT|INSUFFICIENT_CLOUDHSM\w*",
                "The error names the CloudHSM cluster.",
                "Look at the cluster in the CloudHSM console.",
            ),
            _look,
            _fix(
                "Mend the cluster that the error names.",
                "In the CloudHSM console, check the cluster's state, its HSMs, its security group and the user "
                "kmsuser.",
            ),
            _STORE_ADMIN,
        ),
    ),
    references=(sources.XKS, sources.CLOUDHSM),
    samples=(
        Sample(
            "KMSInvalidStateException: AWS KMS rejected the request because the external key store proxy did not "
            "respond in "
            "time. Retry the request. If you see this error repeatedly, report it to your external key store proxy "
            "administrator",
            sources.XKS.url,
        ),
        Sample(
            "XksProxyUriUnreachableException: AWS KMS cannot communicate with the external key store proxy. This "
            "might be a "
            "transient network issue.",
            sources.XKS.url,
        ),
        Sample(
            "KMS cannot connect the custom key store to its CloudHSM cluster. Error code: USER_NOT_FOUND",
            "https://github.com/aws-samples/aws-cloudhsm-cloudformation-template/issues/12",
        ),
        Sample(
            "CustomKeyStoreInvalidStateException: the request was rejected because the custom key store cks-1 is not "
            "connected to its CloudHSM cluster"
        ),
        Sample(
            "CloudHsmClusterInvalidConfigurationException: CloudHSM cluster must contain active HSMs in at least two "
            "Availability Zones"
        ),
    ),
    near_misses=(
        NearMiss(
            "error: aws_sdk_kms::types::error::XksProxyUriUnreachableException::builder()", why="A type's path in Rust."
        ),
        NearMiss("class XksKeyNotFoundException(KMSError):", why="Source code."),
        NearMiss(
            "botocore.errorfactory.CloudHsmServiceException: An error occurred (CloudHsmServiceException) when calling "
            "the ListHsms operation: This service is unavailable.",
            why="CloudHSM itself, asked by somebody else than KMS.",
        ),
        NearMiss(
            "it failed because the external key store proxy did not respond to AWS KMS in the time allotted",
            why="The documentation explains a code.",
        ),
        NearMiss(
            "The value of DISCONNECTED indicates that the custom key store is not connected to its CloudHSM cluster.",
            why="The documentation explains a state.",
        ),
        NearMiss("--alarm-description 'the custom key store is not connected'", why="The text of an alarm."),
        NearMiss("Our custom key store is backed by CloudHSM.", why="Prose."),
        NearMiss(
            "/// May throw [XksProxyUriInUseException].\n/// May throw [XksProxyUriUnreachableException].", why="Docs."
        ),
    ),
)
