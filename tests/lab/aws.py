"""The stand-in of AWS: ministack behind ``aws_front``, and OpenAI's walk through it.

A set-up's ``cloud`` member says what exists:
    accounts       by number: {
        roles        by name: {trust, inline: {name: document}, attached: [ARN], boundary: ARN, path, unique_id}
        policies     by name: {versions: [document, …], default: number of the one in force, else the last}
        keys         by ARN: {policy, state, spec, usage, origin, rotation, aliases: [alias/…], grants: [{…}]}
        users        by name: {id, secret, token, expired, policy}
    }
    aws_policies   by ARN: documents of AWS's own managed policies
    organization   {management, id, parents: {account or unit: what is above it}, delegates: [account],
                   policies: {id: {name, type, content, targets}}, without_full_access: [target]}
    sts_inactive   Regions in which STS is not activated for the accounts
    faults         [{call: regular expression ("kms:Decrypt"), code, message, status, times, region}]
    sign_in        the account whose ``ekm-reader`` runs the probe, else the first
Every account without users gets ``ekm-reader``, who may read what a probe reads.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ekm_core.credentials import AwsKeys
from tests.lab.programs import installed
from tests.lab.servers import free_port, wait_for

HOSTS = (r"(?:sts|kms|cloudtrail)\.[a-z0-9-]+\.amazonaws\.com", r"(?:iam|sts)\.amazonaws\.com")
HOSTS += (r"organizations\.us-east-1\.amazonaws\.com",)
OPENAI = AwsKeys("ASIAOPENAIOPENAIOPEN", "openai-secret-of-the-laboratory", "openai-token-of-the-laboratory")
_READS = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": [
            "iam:Get*",
            "iam:List*",
            "kms:Describe*",
            "kms:Get*",
            "kms:List*",
            "organizations:*",
            "cloudtrail:*",
        ],
        "Resource": "*",
    },
}


def reader(account: str) -> AwsKeys:
    """The keys of ``ekm-reader`` in an account."""
    return AwsKeys(f"AKIAREAD{account}", "LaboratoryOnly+ReaderOfACustomersAccount")


def sign_in(state: Mapping[str, Any]) -> AwsKeys:
    """The keys of somebody who may read a set-up."""
    return reader(state.get("sign_in") or next(iter(state["accounts"])))


_spare: list[tuple[subprocess.Popen[bytes], str]] = []  # they run, and nobody uses them


@contextmanager
def running() -> Iterator[str]:
    """The address of a stand-in in which nothing exists yet. It is kept for the next one that asks."""
    process, address = _spare.pop() if _spare else _start()
    try:
        yield address
    finally:
        if process.poll() is None:
            _spare.append((process, address))


def _start() -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    settings = {"AUTH": "true", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    program = installed("ministack") / "python"
    process = subprocess.Popen(
        [program, Path(__file__).with_name("aws_front.py"), str(port)],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(process.terminate)
    wait_for(port, process)
    return process, f"http://127.0.0.1:{port}"


@contextmanager
def serve(state: Mapping[str, Any]) -> Iterator[str]:
    """The address of a stand-in with one set-up."""
    with running() as address:
        load(address, state)
        yield address


def load(address: str, state: Mapping[str, Any]) -> None:
    """Set all up anew."""
    accounts = {}
    for account, parts in state["accounts"].items():
        keys = reader(account)
        user = {"id": keys.access_key_id, "secret": keys.secret_access_key, "policy": _READS}
        accounts[account] = {"users": {"ekm-reader": user}, **parts}
    openai = {"id": OPENAI.access_key_id, "secret": OPENAI.secret_access_key, "token": OPENAI.session_token}
    _ask(address, "state", {**state, "accounts": accounts, "openai": openai})


def calls(address: str) -> list[dict[str, Any]]:
    """Every request since ``load`` or ``forget``: action, region, host, method, path, caller, status."""
    found: list[dict[str, Any]] = _ask(address, "calls")
    return found


def everything(address: str) -> Any:
    """All that exists, in ministack's own form: what a call could have changed."""
    return _ask(address, "everything")


def _ask(address: str, what: str, body: object = None) -> Any:
    request = urllib.request.Request(f"{address}/_lab/{what}", json.dumps(body).encode(), method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())


def walk(address: str, configuration: Mapping[str, Any]) -> str:
    """OpenAI's calls for one registration (the body of POST external_keys), as OpenAI's principal.

    AssumeRole with the external id, then Encrypt and Decrypt with the session (article 20000947). Returns AWS's error,
    or "" where all is well.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    role, key = str(configuration.get("role_arn", "")), str(configuration.get("kms_arn", ""))
    parts = key.split(":")
    region = parts[3] if len(parts) > 3 and parts[3] else "us-east-1"
    try:
        answer = _client(address, "sts", region, OPENAI).assume_role(
            RoleArn=role, RoleSessionName="OpenAI-EKM-Service", ExternalId=str(configuration.get("external_id", ""))
        )
        given = answer["Credentials"]
        session = AwsKeys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        kms = _client(address, "kms", region, session)
        sealed = kms.encrypt(KeyId=key, Plaintext=b"OpenAI EKM")
        opened = kms.decrypt(KeyId=key, CiphertextBlob=sealed["CiphertextBlob"])
    except ClientError as problem:
        said = problem.response["Error"]
        return (
            f"An error occurred ({said['Code']}) when calling the {problem.operation_name} operation: {said['Message']}"
        )
    except BotoCoreError as problem:
        return str(problem)
    assert opened["Plaintext"] == b"OpenAI EKM"
    return ""


def _client(address: str, service: str, region: str, keys: AwsKeys) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=address,
        region_name=region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
