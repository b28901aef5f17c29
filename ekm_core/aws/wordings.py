"""Pieces of patterns that several AWS entries share: how a thrown exception looks, as against prose, code and docs."""

from __future__ import annotations

# SDK references and source code name every exception without one having been thrown.
NOT_THROWN = (
    r"@throws",
    r"\b[Mm]ay throw\b",
    r"@link",
    r"\(client fault\)",
    r"(?:class|import|instanceof|catch|case|extends|typeof) ['\"({]{0,2} ?[\w.#]{0,80}(?:Exception|Error)\b",
    r"\bexcept \(?[\w., ]{0,80}(?:Exception|Error)\b",
    r"\brescue (?:::)?[A-Z]\w{1,40}::",
    # Lists of names, and tables that give each its own text or constant.
    r"(?:Exception|Fault)['\"]?, ?(?:or |and )?['\"]?(?:[\w.:*]{1,60}[.:*]|\*)?[A-Z]\w{2,60}(?:Exception|Fault)\b",
    r", (?:or|and) ['\"]?(?:\w{1,40}\.)?[A-Z]\w{2,60}(?:Exception|Fault)\b",
    r"\w\(['\"][\w.]{2,60}(?:Exception|Fault)['\"], ?(?-i:_?[A-Z][A-Z0-9_]{1,40})\b",
    r"['\"], ?(?:(?-i:[A-Z]\w{2,60}(?:Error|Denied|NotMatch|AccessKeyId|ClientTokenId))|\w{3,60}(?:Exception|Fault)"
    r"|NoSuchBucket): ?['\"]",
    r"<c>[\w.]{3,80}</c>",
    # Type stubs, tables of handlers and of status codes: a name, a colon, and no message.
    r"Exception: ?(?:await |async |\(\w{0,20}\) "
    r"?=>|Type\[|Optional\[|NotRequired\[|List\[|\d{3}\b|Boto\w{0,20}Error|&\w|typeof "
    r"|\w{1,10}\.suspend|\w{2,60}ErrorCode\.|\w{1,60}Exception\b ?[\]),;]"
    r"|\{ ?(?-i:[a-z]\w{1,20}): ?['\"\d]|['\"](?-i:[A-Z][A-Z0-9]{1,20}_[A-Z0-9_]{1,40})['\"])",
    r"[!=]==? ?['\"]\w{3,60}(?:Exception|Token\w{0,2}|Match)['\"]",
    # The service's own model, which every SDK carries.
    r"\bcode['\"]? ?: ?['\"]?\w{3,60}['\"]?,? ?['\"]?httpStatusCode['\"]? ?: ?\d{3}\b",
)

# The operations that only KMS has, or that nobody but KMS is likely to have answered with these errors.
KMS_OPERATIONS = (
    r"(?:Encrypt|Decrypt|ReEncrypt|GenerateDataKey\w{0,30}|GenerateRandom|GenerateMac|VerifyMac|Sign|Verify"
    r"|DeriveSharedSecret|GetPublicKey|CreateGrant|ListGrants|RevokeGrant|RetireGrant|ListRetirableGrants|DescribeKey"
    r"|EnableKey|DisableKey|EnableKeyRotation|DisableKeyRotation|GetKeyRotationStatus|ScheduleKeyDeletion"
    r"|CancelKeyDeletion|GetKeyPolicy|PutKeyPolicy|ListKeyPolicies|UpdateKeyDescription|ImportKeyMaterial"
    r"|GetParametersForImport|ReplicateKey|UpdatePrimaryRegion|RotateKeyOnDemand)"
)


def thrown(name: str) -> str:
    """The pattern of an exception ``name`` (itself a pattern) in the places where software prints what was thrown.

    That is: the CLI's frame, before a colon, behind a package's name, in a code or type field, in an XML element, in
    Go's, Java's and Rust's frames, and where a writer says that they get it. Not in other running text, and not in
    quotes before a colon, as lists of errors have it, unless an error is made of them.
    """
    return (
        rf"(?:\((?:\w{{1,20}}\.)?(?:{name})\)(?: (?:occurred )?when calling|: ?\S)"
        rf"|(?:^|[^\w'])(?:{name}) ?: "
        rf"|(?:Error|Exception|Errorf|errors\.New)\(f?['\"](?:{name}): "
        rf"|\b(?:I|we)(?:'m| am|'re| are|'ve| have)? (?:(?:still|also|now|always|just|only) )?"
        rf"(?:get|got|getting|see|seeing) "
        rf"(?:an? |the |this |following |error |exception ){{0,3}}['\"(]?(?:[\w.]{{1,80}}\.)?(?:{name})\b"
        rf"|(?:\w\.|::|#)(?:{name})(?: ?:(?:[^:]|$)|['\"]? ?[,}}]|\)|$| \(| at | - )"
        rf"|(?:code|type)['\"]? ?[=:] ?['\"]?(?:{name})\b"
        rf"|(?:api error|operation error [\w ]{{2,40}}: \w{{3,60}},) (?:{name})\b"
        rf"|KMS Exception: ?(?:{name})(?:KMS|\b)"
        rf"|Some\(['\"](?:{name})['\"]"
        rf"|>(?:{name})<"
        rf"|\[(?:{name})\]"
        rf"|: (?:{name})(?:$| at |,)"
        rf"|^(?:{name})\.?$"
        rf"|(?:^|[^\w'])(?:{name}) (?:\(Service|-) )"
    )
