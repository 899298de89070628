"""What `up` prints once it serves: a call of every wire, ready to paste."""

from config.demo import ADMIN
from embeddings.openapi import curl_examples


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
