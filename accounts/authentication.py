"""Who calls: the key from any of four headers, and what it may do."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import secrets
from accounts.errors import ForbiddenError, InvalidApiKeyError, MissingApiKeyError
from accounts.models import ApiKey, Tenant
from accounts.revision import get_cache
from accounts.throttling import get_guard

#: Read in this order; the first that is not empty is the key.
PLAIN_HEADERS = ("x-chroma-token", "api-key", "x-goog-api-key")
BEARER = "bearer"
#: Where a view puts the key of a caller whose wire has it in the address.
ADDRESS_KEY = "platform.address_key"
#: Where it finds a key that stood in the path.
PATH_KEY = "platform.path_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The service that a tenant gets; None: as the server's settings say."""

    weight: float = 1.0
    max_texts: int | None = None
    keep_alive_max_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An accepted key: whose it is, what it may do, until when.

    `model_names` holds the canonical names the key is held to; empty: all granted.
    """

    tenant_id: int
    tenant_slug: str
    api_key_id: int
    scopes: frozenset[str]
    model_names: frozenset[str]
    expires_at: datetime | None
    limits: Limits = Limits()


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the `Caller`; there is no anonymous one."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        """Raise `MissingApiKeyError`, `InvalidApiKeyError` or `UnavailableError`.

        An address that shows too many that are not valid gets `RateLimitedError`.
        """
        secret = secret_of(request)
        if not secret:
            raise MissingApiKeyError
        guard, address = get_guard(), request.META.get("REMOTE_ADDR", "")
        guard.check(secret, address=address)
        try:
            caller = caller_of(secret)
        except InvalidApiKeyError:
            guard.note_failed(secret, address=address)
            raise
        guard.note_accepted(secret)
        return None, caller

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """What `WWW-Authenticate` says beside a 401."""
        return "Bearer"


class HasScope(BasePermission):
    """Admits callers whose key has the view's `required_scope`, and nobody without."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or raise `MissingApiKeyError` or `ForbiddenError`."""
        caller = request.auth
        if not isinstance(caller, Caller):
            raise MissingApiKeyError
        if getattr(view, "required_scope", None) not in caller.scopes:
            raise ForbiddenError
        return True


def secret_of(request: Request) -> str:
    """What the caller shows as its key (bytes as latin-1), empty if nothing."""
    for name in PLAIN_HEADERS:
        value = request.headers.get(name, "").strip()
        if value:
            return value
    scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == BEARER and value.strip():
        return value.strip()
    return str(request.META.get(ADDRESS_KEY, "")).strip()


def caller_of(secret: str) -> Caller:
    """The caller behind a secret, by at most one query; a typo costs none.

    Raises `InvalidApiKeyError`, the same whatever is wrong with the key, or
    `UnavailableError`.
    """
    if not secrets.is_well_formed(secret):
        raise InvalidApiKeyError
    digest = secrets.digest_of(secret)
    caller = get_cache().get(("api_key", digest), lambda: _find(digest))
    if caller is None or _is_expired(caller):
        raise InvalidApiKeyError
    return caller


def _is_expired(caller: Caller) -> bool:
    return caller.expires_at is not None and caller.expires_at <= timezone.now()


def _find(digest: bytes) -> Caller | None:
    """The key with this digest unless it, or its tenant, is refused now."""
    found = ApiKey.objects.active().filter(digest=digest)
    api_key = found.select_related("tenant__plan").first()
    if api_key is None:
        return None
    return Caller(
        tenant_id=api_key.tenant_id,
        tenant_slug=api_key.tenant.slug,
        api_key_id=api_key.pk,
        scopes=frozenset(api_key.scopes),
        model_names=frozenset(api_key.model_names),
        expires_at=api_key.expires_at,
        limits=_limits_of(api_key.tenant),
    )


def _limits_of(tenant: Tenant) -> Limits:
    """The tenant's own, where it has any, else its plan's."""
    found = Limits()
    for source in (tenant.plan, tenant):
        if source is not None:
            own = {name.name: getattr(source, name.name) for name in fields(Limits)}
            own = {name: value for name, value in own.items() if value is not None}
            found = replace(found, **own)
    return found
