"""A secret that is shown on one page, one time, and is never stored in clear.

Between the form and the page the secret lies in the session, sealed under a random
token that only the page's address holds: the database alone gives nothing away, and
opening it removes it.
"""

from cryptography.fernet import Fernet, InvalidToken
from django.contrib.sessions.backends.base import SessionBase

_SLOT = "sealed_secret"
_LASTS_S = 300


def seal(session: SessionBase, secret: str) -> str:
    """Put the secret aside and return the token that opens it."""
    token = Fernet.generate_key()
    session[_SLOT] = Fernet(token).encrypt(secret.encode()).decode()
    return token.decode()


def unseal(session: SessionBase, token: str) -> str | None:
    """The secret, the first time and within five minutes; None ever after."""
    sealed = session.pop(_SLOT, None)
    if sealed is None:
        return None
    session.save()
    try:
        return Fernet(token).decrypt(sealed, ttl=_LASTS_S).decode()
    except (InvalidToken, ValueError):
        return None
