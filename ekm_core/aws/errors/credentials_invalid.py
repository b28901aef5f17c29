"""The caller's own AWS credentials are missing, wrong or expired: a matter of whoever ran the command."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Language, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.snippets import snippet


def _look(values: Values) -> Look:
    return Look(
        ("Look which credentials the command uses: environment variables come before the profile.",),
        (
            causes.show_caller(),
            snippet("Show where the credentials come from", Language.BASH, "aws configure list"),
        ),
    )


def _fix(summary: str, *steps: str) -> Callable[[Values], Fix]:
    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=steps,
            cli=(
                snippet("Sign in again, where you use IAM Identity Center", Language.BASH, "aws sso login"),
                snippet("Enter access keys, where you use them", Language.BASH, "aws configure"),
            ),
            verify=(aws.command("Show who you are signed in as", "sts", "get-caller-identity"),),
        )

    return fix


# Other clouds' storage answers with the same codes and sentences.
_OTHER_CLOUDS = (r"Google secret key|googleapis\.com|aliyun|OSS Access ?Key|myqcloud|windows\.net|AADSTS",)
_CODES = (
    # With its own capitals: many programs have a variable expiredToken.
    r"(?-i:ExpiredToken|EXPIREDTOKEN)(?:Exception)?|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch"
    r"|InvalidAccessKeyId|NoCredentialsError|PartialCredentialsError"
    r"|NoCredentialProviders|MissingCredentialsError|CredentialsProviderError|IncompleteSignature(?:Exception)?"
)
_EXPIRED = (
    r"(?:token|credentials?)[\w ]{0,40} (?:is|are|has|have)(?: been)? expired|session has expired|ExpiredToken\w*"
    r"|Request has expired|RequestExpired|Session token not found or invalid"
)
_SIGNATURE = r"SignatureDoesNotMatch|signature we calculated does not match|InvalidSignatureException|Signature expired"
_UNKNOWN = (
    r"security token included in the request is "
    r"invalid|InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId"
    r"|does not exist in our records"
)
_NONE = (
    r"NoCredential\w*|Unable to locate credentials|Unable to load (?:AWS )?credentials|Could not load credentials"
    r"|without credentials set|No valid credential sources|No handler was ready|no EC2 instance role found|Missing "
    r"credentials|no EC2 IMDS role found|CredentialsNotLoaded|MissingCredentials\b|find AWS credentials in"
    r"|Request is missing Authentication Token|Provider returned no credentials|SharedCreds(?:Load|AccessKey|Secret)"
    r"|shared config profile, |The config profile \("
)

ERROR = KnownError(
    id="aws-credentials-invalid",
    provider=Provider.AWS,
    title="The AWS credentials of the caller are missing, wrong or expired",
    summary=(
        "AWS did not even ask what the caller may do, for it does not accept who the caller is. OpenAI uses "
        "credentials of "
        "its own, so as a rule this error comes from your own command or application."
    ),
    link=Link.IDENTITY,
    proves=(),
    signatures=(
        Signature("token", r"security token included in the request is (?:invalid|expired)"),
        Signature("provided-token", r"provided token (?:(?:has|is) expired|is malformed or otherwise invalid)"),
        Signature(
            "signature",
            r"request signature we calculated does not match the signature you provided",
            unless=_OTHER_CLOUDS,
        ),
        Signature("signature-expired", r"\bSignature (?:expired|not yet current): \d{8}T"),
        Signature("unknown-key", r"AWS Access Key Id you provided does not exist in our records"),
        Signature("not-validated", r"AWS was not able to validate the provided access credentials"),
        Signature("scope", r"Credential should be scoped to a valid region"),
        Signature("cli-none", r"\bUnable to locate credentials\b"),
        Signature("java-none", r"Unable to load (?:AWS )?credentials from any (?:of the )?providers?"),
        Signature("js-none", r"Could not load credentials from any providers"),
        Signature("js-missing", r"Missing credentials in config"),
        Signature("go-none", r"NoCredentialProviders: no valid providers"),
        Signature("go2-none", r"no EC2 IMDS role found|static credentials are empty"),
        Signature("go-file", r"\bSharedCreds(?:Load|AccessKey|Secret): "),
        Signature(
            "go-profile",
            r"\bfailed to get shared config profile, |\bSharedConfigProfileNotExistsError: ",
            0.8,
        ),
        Signature("cli-profile", r"\bThe config profile \(.{1,80}\) could not be found", 0.8),
        Signature("go-none-cut", r"\bno valid providers in chain\b", 0.8),
        Signature("ruby-none", r"unable to sign request without credentials set"),
        Signature("terraform-none", r"No valid credential sources (?:for \S{1,60} )?found"),
        Signature("boto2-none", r"No handler was ready to authenticate"),
        Signature("dotnet-none", r"Unable to get IAM security credentials|Failed to resolve AWS credentials"),
        Signature("php-none", r"Error retrieving credentials from the instance profile metadata"),
        Signature("go-ec2-none", r"EC2RoleRequestError: no EC2 instance role found"),
        Signature("sso-login", r"To refresh this SSO session run ['\"]?aws sso login"),
        Signature(
            "rust-none",
            r"no providers in chain provided credentials|the credential provider was not enabled"
            r"|(?:\bkind: |ConstructionFailure\()MissingCredentials\b",
        ),
        Signature(
            "rust-loading", r"an error occurred while loading credentials", 0.8, needs=(r"\baws\b|AWS_|AssumeRole",)
        ),
        Signature("rusoto-none", r"(?:Couldn't|Could not) find AWS credentials in"),
        Signature("no-signature", r"Request is missing Authentication Token", 0.8),
        Signature("fluent-bit", r"Provider returned no credentials, service=", 0.8),
        Signature("sso", r"SSO session (?:associated with this profile|token)[\w ]{0,20} has expired"),
        Signature("sso-refused", r"\(UnauthorizedException\) when calling the GetRoleCredentials operation"),
        Signature("sso-token", r"Token has expired and refresh failed"),
        Signature(
            "go-sso", r"\bSSO session has expired or is invalid\b|\bcached SSO token (?:is expired|file|failed)\b"
        ),
        Signature("login", r"\bLoginRefreshRequired\b|\breauthenticate using ['\"]?aws login\b"),
        Signature(
            "sso-lost", r"\b(?:Error loading|Unable to load) SSO Token\b|\bSSO session token associated with profile\b"
        ),
        Signature("partial", r"Partial credentials found in \S{1,40}, missing"),
        Signature("refreshed", r"refreshed credentials are still expired"),
        # The web identity token's sentence stands in STS's model alone: STS itself writes "Token expired".
        Signature(
            "code", thrown(_CODES), 0.8, unless=(*NOT_THROWN, *_OTHER_CLOUDS, r"web identity token that was passed is")
        ),
        # In AWS's own frame, another cloud's error beside it is another error.
        Signature("aws-signature", r"signature you provided\. Check your AWS Secret Access Key\b"),
        Signature(
            "aws-code",
            rf"(?:\((?:{_CODES})\) (?:occurred )?when calling|\bapi error (?:{_CODES}))\b",
            0.8,
            unless=NOT_THROWN,
        ),
    ),
    causes=(
        Cause(
            "expired",
            "The session has expired",
            "Temporary credentials last between 15 minutes and 36 hours.",
            checks.wording(
                _EXPIRED,
                "AWS says that the session has expired.",
                "Look when the session was made.",
                f"{_NONE}|{_UNKNOWN}",
            ),
            _look,
            _fix("Sign in again.", "Sign in again, and unset old AWS_… environment variables."),
            causes.YOURSELF,
        ),
        Cause(
            "unknown",
            "The access key is unknown to AWS",
            "The key was deleted or mistyped, belongs to another partition, or the session token is missing beside it.",
            checks.wording(
                _UNKNOWN,
                "AWS does not know the access key or token.",
                "Compare the access key id with the IAM console's.",
            ),
            _look,
            _fix(
                "Use an access key that exists, and pass its session token where it is a temporary one.",
                "In the IAM console, look whether the access key exists and is active. A Region that is switched off "
                "for the "
                "account gives the same message.",
            ),
            causes.YOURSELF,
        ),
        Cause(
            "signature",
            "The secret key is wrong, or the request was changed on its way",
            "AWS signs the request with the secret that it knows, and compares. A wrong clock has the same effect.",
            checks.wording(
                _SIGNATURE, "AWS says that the signatures differ.", "Compare the secret key, the clock and the Region."
            ),
            _look,
            _fix(
                "Enter the secret key again, without blanks, and set the clock.",
                "Make a new access key if the secret is lost: AWS never shows it again.",
            ),
            causes.YOURSELF,
        ),
        Cause(
            "none",
            "No credentials were found",
            "The tool looked in its usual places and found none.",
            checks.wording(
                _NONE, "The tool says that it found none.", "Look which credentials the tool uses.", _EXPIRED
            ),
            _look,
            _fix("Sign in, or enter credentials for the profile that the tool uses.", "Check the name of the profile."),
            causes.YOURSELF,
        ),
    ),
    references=(sources.CREDENTIALS, sources.SESSION_LENGTH, sources.STS_ERRORS),
    samples=(
        Sample(
            "software.amazon.awssdk.core.exception.SdkClientException: Unable to load SSO token",
            "https://github.com/aws/aws-sdk-java-v2/issues/4830",
        ),
        Sample(
            "An error occurred (InvalidClientTokenId) when calling the AssumeRole operation: The security token "
            "included in "
            "the request is invalid.",
        ),
        Sample("ExpiredTokenException: The security token included in the request is expired"),
        Sample(
            "get identity: get credentials: failed to refresh cached credentials, cached SSO token is expired",
            "https://github.com/aws/aws-sdk-go-v2/blob/main/credentials/ssocreds/sso_token_provider.go",
        ),
        Sample(
            "Your session has expired or credentials have changed. Please reauthenticate using 'aws login'.",
        ),
        Sample("Could not encrypt password: NoCredentialProviders: no valid providers in chain. Deprecated."),
        Sample(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key "
            "and signing method.",
        ),
        Sample(
            "ConstructionFailure(ConstructionFailure { source: SigningStageError { kind: MissingCredentials } })",
            "https://github.com/awslabs/aws-sdk-rust/issues/760",
        ),
        Sample(
            "Couldn't find AWS credentials in environment, default credential file location or IAM role.",
            "https://github.com/rusoto/rusoto/issues/167",
        ),
        Sample(
            "Amazon.SecurityToken.AmazonSecurityTokenServiceException: Request is missing Authentication Token",
            "https://github.com/aws/aws-sdk-net/issues/681",
        ),
        Sample(
            "[error] [signv4] Provider returned no credentials, service=kinesis",
            "https://github.com/fluent/helm-charts/issues/480",
        ),
        Sample(
            "Error decrypting key: SharedCredsLoad: failed to load shared credentials file caused by: open "
            "/root/.aws/credentials: no such file or directory",
            "https://github.com/getsops/sops/issues/474",
        ),
        Sample("The config profile (ekm) could not be found"),
        Sample(
            "An error occurred (UnauthorizedException) when calling the GetRoleCredentials operation: Session token "
            "not found or invalid",
            "https://github.com/linaro-its/aws2-wrap/issues/11",
        ),
        Sample('Unable to locate credentials. You can configure credentials by running "aws configure".'),
    ),
    near_misses=(
        NearMiss("case .expiredToken: 'The token is expired.'", why="A program's own token, of whatever kind."),
        NearMiss(
            "SignatureDoesNotMatch: 'The secret is wrong.', InvalidAccessKeyId: 'There is no such key.',",
            why="A program's own words for each code.",
        ),
        NearMiss(
            '["InvalidClientTokenId: The security token included is invalid", "AWS_CREDENTIALS_INVALID"],',
            why="A text beside the constant that stands for it.",
        ),
        NearMiss("The reference names InvalidClientTokenId and SignatureDoesNotMatch among its codes.", why="prose"),
        NearMiss(
            "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. "
            "Check your "
            "Google secret key and signing method.",
            why="Google Cloud Storage.",
        ),
        NearMiss(
            "- **ExpiredTokenException**: The web identity token that was passed is expired or is not valid. Get a new "
            "identity token from the identity provider and then retry the request.",
            why="STS's own description of the error.",
        ),
        NearMiss(
            '"error":{"code":"InvalidClientTokenId","httpStatusCode":403,"senderFault":true},"exception":true',
            why="The service's model.",
        ),
        NearMiss("Failed to retrieve credentials for the database", why="Not AWS's credentials."),
        NearMiss('{"message":"Missing Authentication Token"}', why="API Gateway, where a path does not exist."),
        NearMiss(
            "AccessDenied: 'no access',\nCredentialsProviderError: 'no credentials',\nInvalidAccessKeyId: 'bad key',",
            why="A table of what to say for each code.",
        ),
        NearMiss(
            'accessdeniedexception: "auth", unrecognizedclientexception: "auth",', why="The same in small letters."
        ),
        NearMiss(
            "failed to retrieve credentials: failed to refresh cached credentials, operation error STS: AssumeRole, "
            "https "
            "response error StatusCode: 403, RegionDisabledException: STS is not activated in this region for "
            "account:222222222222.",
            is_really="aws-sts-region-disabled",
        ),
    ),
)
