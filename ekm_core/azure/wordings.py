"""Signatures that several Azure entries share: Entra's numbered errors in the forms that its libraries print."""

from __future__ import annotations

from ekm_core.model import Signature

_OAUTH = (
    "invalid_client|invalid_request|invalid_grant|invalid_resource|invalid_tenant|unauthorized_client|access_denied"
)
# "Error Code: 53003" alone could be anybody's.
_ENTRA = r"microsoft|azure|entra|sign-?in|correlation id|conditional access|tenant"

# Source code that only names an error: a constant, an enumerator, an arm of a match, Rust's attribute of an error.
DECLARED = (
    r"\b(?:const|static|final|readonly|val|enum) (?:(?:str|string|class|public|static|final|readonly) ){0,3}\w{3,60}"
    r" ?(?:: ?[&'\w]{1,20} ?)?(?:= ?['\"]|\{|\()",
    r"=> ?Some\(['\"]",
    # Cosmos DB's numbers for what goes wrong with a customer's key, and the enumeration's members in a program.
    r"\bKeyVault\w{3,40} ?= ?\d{4}\b",
    r"\w(?:ErrorCode|SubStatusValue)\.\w",
    r"#\[error\(",
)


def aadsts(codes: str) -> tuple[Signature, ...]:
    """The signatures of some Entra codes, with and without their prefix.

    codes: an RE2 alternation without capturing, such as ``7000112|500014``. Numbers are matched whole: 70021 is the
    beginning of 700213. Without the prefix they stand as ``Error(s): 7000229`` (MSAL for JavaScript), ``"error_codes":
    [700016]`` (the token endpoint), ``Error Code: 53003`` (the sign-in page), ``invalid_client: 700016 - [`` (MSAL).
    """
    return (
        Signature("code", rf"\bAADSTS[ :_-]?(?:{codes})\b", weight=0.9),
        Signature(
            "bare-code",
            rf"(?:\berror_codes?\W{{1,6}}|\berror\(s\):? ?|\berror\?code=|\b(?:{_OAUTH}):? )(?:{codes})\b",
            weight=0.8,
        ),
        Signature("page-code", rf"\berror ?codes?:? ?(?:{codes})\b", weight=0.8, needs=(_ENTRA,)),
    )
