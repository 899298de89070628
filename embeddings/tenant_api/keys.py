"""The tenant's keys: listed, issued, rotated and revoked by one that may."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.keys import LONGEST_OVERLAP, OVERLAP, NotActiveError, rotate
from accounts.models import ApiKey, IssuedKey, Scope
from embeddings.catalog.lookup import resolve
from embeddings.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    PathNotFoundError,
)
from embeddings.problems import PREFIX
from embeddings.tenant_api.base import TenantView
from embeddings.tenant_api.cursors import read_cursor, write_cursor
from embeddings.tenant_api.facts import OwnKeyFields
from embeddings.tenant_api.reading import read_body, read_query
from embeddings.tenant_api.rights import (
    Rights,
    check_may_give,
    check_room,
    locked_keys,
    rights_of,
)
from embeddings.types import Reply

ACTIVE, EXPIRED, REVOKED = "active", "expired", "revoked"


class KeyNotFoundError(PathNotFoundError):
    """There is no such key, or it is another tenant's: one and the same answer."""

    default_detail = "there is no such key"


class KeyFields(OwnKeyFields):
    """A key, without its secret."""

    model_names = serializers.ListField(
        child=serializers.CharField(),
        help_text="Canonical names of the models it is held to; none: all granted.",
    )
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_on = serializers.DateField(allow_null=True)

    @extend_schema_field({"type": "string", "enum": [ACTIVE, EXPIRED, REVOKED]})
    def get_state(self, api_key: ApiKey) -> str:
        """Whether it is accepted now, and if not, why."""
        if api_key.revoked_at is not None:
            return REVOKED
        return ACTIVE if api_key.is_active else EXPIRED


class IssuedKeyFields(KeyFields):
    """A new key, with its secret."""

    secret = serializers.CharField(help_text="Shown once, and stored nowhere.")


class RotatedKeyFields(IssuedKeyFields):
    """The new key, with its secret, and the one that it replaces."""

    replaces = KeyFields()


class KeysFields(serializers.Serializer[Any]):
    """A page of keys, the newest first."""

    data = KeyFields(many=True)  # type: ignore[assignment] # just a field's name
    next_page = serializers.CharField(allow_null=True)


class KeysQuery(serializers.Serializer[Any]):
    """Which page of keys."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    page = serializers.CharField(required=False, max_length=100)


class NewKey(serializers.Serializer[Any]):
    """A key to issue."""

    name = serializers.CharField(max_length=200, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices), allow_empty=False
    )
    model_names = serializers.ListField(
        child=serializers.CharField(max_length=200),
        default=list,
        help_text="Models to hold it to; none: those of the calling key.",
    )
    expires_at = serializers.DateTimeField(
        default=None,
        allow_null=True,
        help_text="When it stops working; null: when the calling key does.",
    )

    def validate_expires_at(self, value: Any) -> Any:
        """A time to come."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("It must lie in the future.")
        return value


class Rotation(serializers.Serializer[Any]):
    """How a key is replaced."""

    overlap_s = serializers.IntegerField(
        min_value=0,
        max_value=int(LONGEST_OVERLAP.total_seconds()),
        default=int(OVERLAP.total_seconds()),
        help_text="Seconds for which the old key is accepted beside the new one.",
    )


class ManagingView(TenantView):
    """A view of keys, for those that may manage them."""

    scopes = frozenset({Scope.MANAGE.value})

    def found(self, key_id: int) -> ApiKey:
        """A key of the caller's tenant; raises `KeyNotFoundError`."""
        mine = ApiKey.objects.filter(tenant_id=self.caller.tenant_id, pk=key_id)
        api_key = mine.first()
        if api_key is None:
            raise KeyNotFoundError
        return api_key


class KeysView(ManagingView):
    """All keys of the tenant."""

    @extend_schema(
        operation_id="tenant-keys",
        summary="List the tenant's keys",
        parameters=[KeysQuery],
        responses=KeysFields,
    )
    def get(self, request: Request) -> Reply:
        """A page of them, the newest first."""
        query = read_query(request.META.get("QUERY_STRING", ""), KeysQuery)
        rows = ApiKey.objects.filter(tenant_id=self.caller.tenant_id).order_by("-pk")
        if "page" in query:
            (last,) = read_cursor(query["page"], kinds=[int])
            rows = rows.filter(pk__lt=last)
        found = list(rows[: query["limit"] + 1])
        page = found[: query["limit"]]
        next_page = write_cursor([page[-1].pk]) if len(found) > len(page) else None
        return Reply(body=KeysFields({"data": page, "next_page": next_page}).data)

    @extend_schema(
        operation_id="tenant-issue-key",
        summary="Issue a key that may do no more than this one",
        request=NewKey,
        responses={201: IssuedKeyFields},
    )
    def post(self, request: Request) -> Reply:  # noqa: ARG002
        """The new key, with its secret this once."""
        wanted = read_body(self.body, NewKey)
        names = [self._canonical_name(name) for name in wanted["model_names"]]
        with transaction.atomic():
            own = locked_keys(self.caller)[self.caller.api_key_id]
            rights = Rights(
                scopes=[one for one in Scope.values if one in wanted["scopes"]],
                model_names=sorted(set(names)) or own.model_names,
                expires_at=wanted["expires_at"] or own.expires_at,
            )
            check_may_give(own, rights)
            check_room(own.tenant)
            issued = ApiKey.objects.issue(
                tenant=own.tenant,
                name=wanted["name"],
                scopes=rights.scopes,
                model_names=rights.model_names,
                expires_at=rights.expires_at,
            )
        return _created(issued)

    def _canonical_name(self, name: str) -> str:
        try:
            return resolve(self.caller, name).name
        except ModelNotFoundError as error:
            raise InvalidRequestError(
                f"model_names: {error.detail}", param="model_names"
            ) from error


class KeyView(ManagingView):
    """One key of the tenant."""

    @extend_schema(
        operation_id="tenant-key", summary="Show one key", responses=KeyFields
    )
    def get(self, request: Request, key_id: int) -> Reply:  # noqa: ARG002
        """The key as it is."""
        return Reply(body=KeyFields(self.found(key_id)).data)

    @extend_schema(
        operation_id="tenant-revoke-key",
        summary="Revoke a key for good",
        responses={200: KeyFields},
    )
    def delete(self, request: Request, key_id: int) -> Reply:  # noqa: ARG002
        """The key, revoked now or before; it may be the caller itself."""
        api_key = self.found(key_id)
        api_key.revoke()
        return Reply(body=KeyFields(api_key).data)


class RotationView(ManagingView):
    """Replacing one key of the tenant."""

    @extend_schema(
        operation_id="tenant-rotate-key",
        summary="Replace a key by a new one that may do the same",
        request=Rotation,
        responses={201: RotatedKeyFields},
    )
    def post(self, request: Request, key_id: int) -> Reply:  # noqa: ARG002
        """The new key, with its secret this once, and when the old one ends."""
        overlap_s = read_body(self.body, Rotation)["overlap_s"]
        with transaction.atomic():
            keys = locked_keys(self.caller, key_id)
            old = keys.get(key_id)
            if old is None:
                raise KeyNotFoundError
            check_may_give(keys[self.caller.api_key_id], rights_of(old))
            check_room(old.tenant)
            try:
                issued = rotate(old, overlap=timedelta(seconds=overlap_s))
            except NotActiveError as error:
                raise InvalidRequestError(
                    "the key is revoked or expired; issue a new one"
                ) from error
        return _created(issued, replaces=KeyFields(old).data)


def _created(issued: IssuedKey, **more: Any) -> Reply:
    """The answer that shows a new key's secret."""
    shown = {**KeyFields(issued.api_key).data, "secret": issued.secret, **more}
    where = f"{PREFIX}/v1/keys/{issued.api_key.pk}"
    return Reply(status=201, body=shown, headers={"Location": where})
