"""Credentials show nothing of themselves."""

import pytest

from ekm_core.credentials import AwsKeys, AzureTokens, GcpToken, OpenAIKey


@pytest.mark.parametrize(
    "credentials",
    [
        AwsKeys("canary", "canary", "canary"),
        GcpToken("canary"),
        AzureTokens("canary", "canary", "canary"),
        OpenAIKey("canary"),
    ],
)
def test_no_value_is_shown(credentials):
    assert "canary" not in f"{credentials} {credentials!r}"
