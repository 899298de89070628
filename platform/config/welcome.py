"""What `up` prints once it serves: a call of every wire, ready to paste."""

import json
from typing import Protocol

from config.demo import ADMIN
from embeddings.openapi import curl_examples


class Greeting(Protocol):
    """Makes what is printed once requests are served."""

    def __call__(self, *, base_url: str, key_file: str, password: str | None) -> str:
        """The lines; `password` only when it was just made."""


def as_json(*, base_url: str, key_file: str, password: str | None) -> str:
    """One line of JSON with the addresses, the key's file, and a new password."""
    facts = {
        "url": base_url,
        "admin": f"{base_url}/admin/",
        "docs": f"{base_url}/docs",
        "demo_key_file": key_file,
        "admin_user": ADMIN,
        "admin_password": password,
    }
    return json.dumps(facts)


def text(*, base_url: str, key_file: str, password: str | None) -> str:
    """The lines, in reading order; the password only when it was just made."""
    lines = ["", f"The platform serves at {base_url}. Try each wire:", ""]
    for example in curl_examples(base_url=base_url, key_file=key_file):
        lines += [f"  # {example.title}", f"  {example.command}", ""]
    lines.append(f"Docs:  {base_url}/docs")
    lines.append(f"Admin: {base_url}/admin/")
    if password is None:
        lines.append(f"       (user {ADMIN}; new password: manage.py changepassword)")
    else:
        lines.append(f"       user {ADMIN}, password {password}")
        lines.append("       The password is shown this once.")
    lines += ["", "Ctrl-C stops everything.", ""]
    return "\n".join(lines)
