"""Context patterns (RE2) that several Google Cloud signatures share."""

from __future__ import annotations

FIREBASE_SURE = (
    r"invalid_idp_response",
    r"\bauth/(?:invalid|user|argument|id-token|internal|missing|account|operation|credential)[a-z-]*",
    r"supplied auth credential",
    r"signinwith(?:credential|idp|apple|popup)",
    r"host\.exp\.exponent",
    r"identitytoolkit",
)
"""Firebase Authentication and Identity Platform reuse the token service's sentences; these words are theirs alone."""

FIREBASE = (
    *FIREBASE_SURE,
    r"firebase",
    r"\bapple\b",
    r"bundle id",
    r"expo go",
    # An application's bundle id in the brackets, such as com.company.app.
    r"id token \[(?:com|org|net|io|app|dev|me|co|host|ai|xyz|tech|info|biz|edu|studio|mobile|ios|games?|online|eu|de"
    r"|fr|uk|in|jp|kr|cn|br|ru|it|es|nl|pl|se|ca|au|vn|id|th|tr|tv|ly|ch|at|be|mx|ar|cl|sg|my|ph|tw|hk|nz|pt|il)\.[a-z0-9_.-]+\]",
)
"""Words that tell a sign-in of an app, unless words of FEDERATION stand beside them."""

FEDERATION = (
    r"sts token for audience|federated token|sts\.googleapis|workload ?identity|google-github-actions"
    r"|iam\.googleapis\.com/projects",
)
"""Words of workload identity federation."""

CODE = (r"\.includes\(|\.contains\(|\bcontains\(|\.indexof\(|assertin\(|\.search\(",)
"""Source code that tests for a message; people paste classifiers too."""

STORAGE_REASONS = (r"(?-i:\b[Cc]loudKms(?:BadKey|CannotChangeKeyName)\b)",)
"""Cloud Storage's other reasons: where they stand too, the text is the list of its errors."""

KMS = r"cloud ?kms|key management service|crypto ?key|keyrings?/|\bgcp\b|gcloud|google"
"""Words of Cloud KMS."""
