"""What the clouds' kits are made of, and how a value enters Markdown and Terraform there.

Values of the user reach a kit's scripts through ``snippets.sh``, its JSON through ``json.dumps``, its Terraform only
through ``terraform.tfvars`` (``snippets.hcl``), and its Markdown only through ``code`` and ``fenced``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ekm_core.model import Configuration, Language, Snippet
from ekm_core.snippets import hcl, sh, snippet

_LONGEST_NAME = 100
_BACKTICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file of a kit. path: relative, with slashes, made of our own words alone. The snippet's title says what the
    file is for."""

    path: str
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the Terraform module.

    value: the user's, "" where it is still open. pattern: RE2 that the whole value must match. problem: the sentence
    that Terraform shows where it does not.
    """

    name: str
    value: str
    description: str
    pattern: str
    problem: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What one cloud adds to the kit. Sentences are Markdown: values stand in them as ``code``.

    needs: what the person must have before they begin. plan: what ``create.sh`` does, plain text, a line each. create:
    its commands. policies: the JSON documents. checklist: the console steps. main, outputs, versions: the Terraform
    module, without any value of the user's. registration: the body of POST external_keys. notes: what to know about
    this set-up. undo: steps that take OpenAI's access away; a snippet is a command.
    """

    needs: tuple[str, ...]
    plan: tuple[str, ...]
    create: str
    policies: tuple[KitFile, ...]
    checklist: tuple[str, ...]
    variables: tuple[Variable, ...]
    main: str
    outputs: str
    versions: str
    registration: Mapping[str, str]
    notes: tuple[str, ...]
    undo: tuple[Snippet, ...]


def friendly_name(configuration: Configuration) -> dict[str, str]:
    """The registration's ``name`` where one is given. It may be any text: one line of it, not too long, valid UTF-8."""
    text = " ".join(configuration.get("name")[: 2 * _LONGEST_NAME].split())[:_LONGEST_NAME]
    return {"name": text.encode("utf-8", "replace").decode("utf-8")} if text else {}


def titled(title: str, made: Snippet) -> Snippet:
    """The snippet under another title: in a kit, the title says what the file is for."""
    return replace(made, title=title)


def known(value: str) -> str:
    """The value of a variable, "" where it is still a placeholder: Terraform asks for it then."""
    return "" if value.startswith("<") else value


def name_variable(name: str) -> Variable:
    """The variable that all modules share: the friendly name of the registration."""
    return Variable("registration_name", name, "A friendly name for the key", ".{1,100}", "Give the key a name.")


def code(value: str) -> str:
    """A value as a code span of Markdown, on one line, which nothing in the value can end."""
    text = " ".join(value.split())
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(text: str, language: str) -> str:
    """A code block of Markdown that nothing in the text can end."""
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def open_variables(variables: tuple[Variable, ...]) -> tuple[str, ...]:
    """The names of the variables that have no value yet: Terraform asks for them."""
    return tuple(variable.name for variable in variables if not variable.value)


def variables_tf(variables: tuple[Variable, ...]) -> Snippet:
    """The declarations. None has a default, so that Terraform asks for what is open."""
    blocks = []
    for variable in variables:
        pattern = hcl(f"^(?:{variable.pattern})$")
        blocks.append(
            f"""variable "{variable.name}" {{
  description = {hcl(variable.description)}
  type        = string

  validation {{
    condition     = can(regex({pattern}, var.{variable.name}))
    error_message = {hcl(variable.problem)}
  }}
}}
"""
        )
    return snippet("the variables, each with a check of its form", Language.HCL, "\n".join(blocks))


def tfvars(variables: tuple[Variable, ...]) -> Snippet:
    """The user's values; what is open is named in a comment."""
    given = [variable for variable in variables if variable.value]
    width = max((len(variable.name) for variable in given), default=0)
    lines = [f"{variable.name:<{width}} = {hcl(variable.value)}" for variable in given]
    if missing := open_variables(variables):
        lines += ["", *(f"# Still open, Terraform asks for it: {name}" for name in missing)]
    text = "\n".join(lines).lstrip("\n") + "\n"
    return snippet("your values for Terraform", Language.HCL, text)


def outputs_tf(fields: Mapping[str, str]) -> str:
    """One output for each field of the registration, and the whole body as JSON.

    fields: the API's names, each with its Terraform expression (our own, never a user's value).
    """
    blocks = [
        f'output "{name}" {{\n  description = "Register this as {name}."\n  value       = {expression}\n}}\n'
        for name, expression in fields.items()
    ]
    width = max(map(len, fields))
    body = "".join(f"    {name:<{width}} = {expression}\n" for name, expression in fields.items())
    blocks.append(
        f"""output "registration" {{
  description = "The body of POST /v1/organization/external_keys: terraform output -raw registration"
  value = jsonencode({{
{body}  }})
}}
"""
    )
    return "\n".join(blocks)


def script(what: str, plan: tuple[str, ...], commands: str) -> str:
    """A whole ``create.sh``: it refuses open values, says what it will do, asks, and then does it."""
    lines = "\n".join(f"echo {sh(f'  {number}. {line}')}" for number, line in enumerate(plan, 1))
    return f"""#!/usr/bin/env bash
# Creates the {what} side of external key management (EKM) for OpenAI.
# Run it with: bash create.sh      It asks before it begins; bash create.sh --yes does not.
# You can run it again: what is there already stays as it is.
set -euo pipefail

if grep -nE '<[A-Z][A-Z0-9_]+>' "$0" >&2; then
  echo 'The lines above hold values that are still open, in angle brackets. Fill them in first.' >&2
  exit 1
fi

echo 'This script will do the following:'
{lines}
if [ "${{1:-}}" != --yes ]; then
  read -r -p 'Type yes to go on: ' answer
  [ "$answer" = yes ] || exit 1
fi

{commands.strip()}
"""
