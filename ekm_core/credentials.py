"""The credentials of a live probe. Their repr shows nothing, so that no log or traceback can hold a secret."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Keys of an AWS identity; session_token is "" for long-lived keys."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GcpToken:
    """A Google access token."""

    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AzureTokens:
    """Azure access tokens, one an audience; "" where none was given."""

    arm: str = field(default="", repr=False)
    graph: str = field(default="", repr=False)
    vault: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OpenAIKey:
    """A key of the OpenAI API."""

    key: str = field(repr=False)
