"""The kit: everything a customer must create for EKM, made from the configuration alone.

In: a ``Configuration``, of which any field may be missing or wrong. What does not fit its field, or fails a check of
``config.validate``, never enters the kit: it stays a marked placeholder, and the README says why. Out: the files, or
all of them as a zip. Equal input gives equal bytes. Facts: help articles 20000947, 20000949, 20000951 (the set-up),
20000953 (registration) and 20000957 (rotation and revocation), read on 2026-11-23.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from ekm_core import configuration as configurations
from ekm_core.aws import config as aws_config
from ekm_core.aws import kit as aws
from ekm_core.azure import config as azure_config
from ekm_core.azure import kit as azure
from ekm_core.gcp import config as gcp_config
from ekm_core.gcp import kit as gcp
from ekm_core.importing.names import REGISTRATION
from ekm_core.kitparts import KitFile, Parts, code, fenced, open_variables, script, tfvars, variables_tf
from ekm_core.model import Configuration, Finding, Language, Provider, Snippet, Status, Values
from ekm_core.openai import snippets as openai
from ekm_core.snippets import json_snippet, snippet
from ekm_core.values import field_of
from ekm_core.vendor import API_GUIDE, AWS_GUIDE, AZURE_GUIDE, GCP_GUIDE, REVOCATION_GUIDE

__all__ = ["KitFile", "archive", "files"]

_PARTS = {Provider.AWS: aws.parts, Provider.GCP: gcp.parts, Provider.AZURE: azure.parts}
_VALIDATE = {
    Provider.AWS: aws_config.validate,
    Provider.GCP: gcp_config.validate,
    Provider.AZURE: azure_config.validate,
}
_GUIDES = {Provider.AWS: AWS_GUIDE, Provider.GCP: GCP_GUIDE, Provider.AZURE: AZURE_GUIDE}
# The earliest date that a zip can hold: the true time would make equal kits differ.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SCRIPT_MODE = 0o755 << 16
_FILE_MODE = 0o644 << 16


def files(configuration: Configuration) -> tuple[KitFile, ...]:
    """Every file of the kit, the README first. ValueError for a provider that is no cloud (``openai``)."""
    if configuration.provider not in _PARTS:
        raise ValueError(f"there is no kit for {configuration.provider}")
    faults = tuple(
        finding for finding in _VALIDATE[configuration.provider](configuration) if finding.status is Status.FAIL
    )
    parts = _PARTS[configuration.provider](configuration, _usable(configuration, faults))
    label = configuration.provider.label
    made = (
        KitFile("console-checklist.md", _checklist(label, parts)),
        KitFile("create.sh", _bash("creates it with the command line", script(label, parts.plan, parts.create))),
        *parts.policies,
        KitFile(
            "registration.json", json_snippet("the body of the registration with OpenAI", dict(parts.registration))
        ),
        KitFile("register.sh", _bash("sends registration.json to OpenAI", _register_script())),
        KitFile("terraform/main.tf", _hcl("what Terraform creates", parts.main)),
        KitFile("terraform/variables.tf", variables_tf(parts.variables)),
        KitFile("terraform/terraform.tfvars", tfvars(parts.variables)),
        KitFile("terraform/outputs.tf", _hcl("the fields to register, and the whole body", parts.outputs)),
        KitFile("terraform/versions.tf", _hcl("the versions of Terraform and its providers", parts.versions)),
    )
    return (KitFile("README.md", _readme(configuration, parts, made, faults)), *made)


def archive(configuration: Configuration) -> bytes:
    """The files as a zip, in one folder named after the cloud. Errors as ``files``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as folder:
        for file in files(configuration):
            entry = zipfile.ZipInfo(f"openai-ekm-{configuration.provider}/{file.path}", _EPOCH)
            entry.external_attr = _SCRIPT_MODE if file.path.endswith(".sh") else _FILE_MODE
            entry.create_system = 3  # Unix, or the mode would not count
            entry.compress_type = zipfile.ZIP_DEFLATED
            folder.writestr(entry, file.snippet.text.rstrip("\n") + "\n")
    return buffer.getvalue()


def _usable(configuration: Configuration, faults: tuple[Finding, ...]) -> Values:
    """The values that fit their fields and fail no check, by the names that snippets use."""
    names = REGISTRATION[configuration.provider]
    broken = {names.get(fault.field, fault.field) for fault in faults}
    known = configurations.values(configuration)
    return Values({name: value for name, value in known.items() if name not in broken})


def _bash(title: str, text: str) -> Snippet:
    return snippet(title, Language.BASH, text)


def _hcl(title: str, text: str) -> Snippet:
    return snippet(title, Language.HCL, text)


def _register_script() -> str:
    return f"""#!/usr/bin/env bash
# Registers the key with OpenAI: sends registration.json. Reads an admin API key from OPENAI_ADMIN_KEY.
set -euo pipefail
cd "$(dirname "$0")"

: "${{OPENAI_ADMIN_KEY:?Set it to an admin API key with the scope api.external_keys.write}}"
if grep -nE '<[A-Z][A-Z0-9_]+>' registration.json >&2; then
  echo 'The lines of registration.json above are still open, in angle brackets. Fill them in first.' >&2
  exit 1
fi

{openai.register_file("registration.json").text}
echo
echo 'Keep the id that begins with extkey_: the validate call in README.md needs it.'
"""


def _checklist(label: str, parts: Parts) -> Snippet:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(parts.checklist, 1))
    text = f"# EKM in the console of {label}\n\nThe same as create.sh and the Terraform module, by hand.\n\n{steps}\n"
    return snippet("the same by hand, step by step", Language.TEXT, text)


def _readme(
    configuration: Configuration, parts: Parts, made: tuple[KitFile, ...], faults: tuple[Finding, ...]
) -> Snippet:
    label = configuration.provider.label
    validate = openai.validate(Values())[0]
    sections = (
        f"# EKM for OpenAI in {label}\n\n"
        f"This kit creates what OpenAI needs in {label} to encrypt with your key, and nothing more.",
        _section("What is in it", _bullets(f"{code(file.path)}: {file.snippet.title}" for file in made)),
        _still_open(parts, made),
        _corrections(faults),
        _section("Before you begin", _bullets(parts.needs)),
        _section("In this order", _order()),
        _section(
            "Prove that it works",
            "Put the id that register.sh printed into this call. It makes OpenAI use the key once, and answers at "
            f"once: {code('success')}, or the very error of {label}.\n\n{fenced(validate.text, 'bash')}\n\n"
            f"{code('OPENAI_ADMIN_KEY')} must hold an admin API key with the scope {code('api.external_keys.read')}. "
            f"If {label} still refuses, wait a few minutes: changes of access take a while to spread.",
        ),
        _section("Good to know", _bullets(parts.notes)),
        _section("Undo it", _undo(parts)),
        _section(
            "Where this comes from",
            _bullets(
                f"{page.title}, {page.dated}: {page.url}"
                for page in (_GUIDES[configuration.provider], API_GUIDE, REVOCATION_GUIDE)
            ),
        ),
    )
    return snippet("what to do, in which order", Language.TEXT, "\n\n".join(filter(None, sections)) + "\n")


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _still_open(parts: Parts, made: tuple[KitFile, ...]) -> str:
    names = dict.fromkeys(name for file in made for name in file.snippet.placeholders)
    asked = open_variables(parts.variables)
    if not names and not asked:
        return _section("Still open", "Nothing: every value is filled in.")
    lines = []
    for name in names:
        field = field_of(name)
        where = ", ".join(code(file.path) for file in made if name in file.snippet.placeholders)
        lines.append(f"{code(name)} in {where}." + (f" {field.label}: {field.help}" if field else ""))
    if asked:
        lines.append(f"Terraform asks for {', '.join(map(code, asked))}.")
    how = "Fill the values in on the Configuration page and download the kit again, or replace them in each file."
    return _section("Still open", f"{how}\n\n{_bullets(lines)}")


def _corrections(faults: tuple[Finding, ...]) -> str:
    """What was given and left out, with the reason: the findings' titles, for no value of the user's stands in them."""
    if not faults:
        return ""
    how = "These values cannot be right, so the kit leaves them out. The Configuration page says how to mend each."
    return _section("Correct these first", f"{how}\n\n{_bullets(f'{fault.title}.' for fault in faults)}")


def _order() -> str:
    return "\n".join(
        (
            "1. Fill in what is still open. What the kit itself creates, such as a new key's ARN, comes after step 2.",
            f"2. Create the set-up in one of three ways: {code('bash create.sh')}, or the Terraform module "
            f"({code('cd terraform')}, {code('terraform init')}, {code('terraform plan')}, {code('terraform apply')}), "
            "or console-checklist.md by hand. Terraform makes everything new: bring in what you have with "
            f"{code('terraform import')} first, or use create.sh, which leaves alone what is there.",
            "3. Compare registration.json with what you made. After Terraform, "
            f"{code('terraform output -raw registration > ../registration.json')} writes it.",
            f"4. Register: {code('read -rs OPENAI_ADMIN_KEY && export OPENAI_ADMIN_KEY')} takes the admin API key "
            f"without showing it, then run {code('bash register.sh')}. ChatGPT Enterprise customers send the fields "
            "of registration.json to their OpenAI contact instead.",
            "5. Prove that it works, as below. Then create a new API project with the key's id as "
            f"{code('external_key_id')}, and try it there before any project with real data.",
        )
    )


def _undo(parts: Parts) -> str:
    delete = openai.delete(Values())
    steps = [
        "1. Move your work off the projects that use the key. Then delete the registration. OpenAI refuses this while "
        f"a live project or workspace uses the key.\n\n{fenced(delete.text, 'bash')}",
        "2. Take OpenAI's access away. It can take up to 1 hour until OpenAI no longer reads the data.\n\n"
        + "\n\n".join(f"{step.title}:\n\n{fenced(step.text, 'bash')}" for step in parts.undo),
        "3. Keep the key. Whoever deletes it makes all data that it protects unreadable for ever. "
        f"Terraform refuses to destroy a key that it made ({code('prevent_destroy')}): take the key out of its state "
        f"first ({code('terraform state rm')}) where the rest shall go.",
    ]
    return "\n\n".join(steps)
