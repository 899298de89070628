"""Who calls, which models it may use, and what is left of its quotas."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.allowances import Allowance, allowances_of
from accounts.authentication import Caller
from accounts.models import ApiKey, Scope
from accounts.quotas import Period, Quantity
from embeddings.catalog.granted import granted_models
from embeddings.engine.spec import Output
from embeddings.service import most_keep_alive_s, most_texts
from embeddings.tenant_api.base import TenantView
from embeddings.types import Reply


class ServiceLimitsFields(serializers.Serializer[Any]):
    """The service that the tenant gets."""

    weight = serializers.FloatField(
        help_text="Share of a busy server beside others' 1.0."
    )
    max_texts = serializers.IntegerField(help_text="Texts per request.")
    keep_alive_max_s = serializers.FloatField(
        allow_null=True, help_text="The longest keep_alive; null: for ever."
    )


class TenantFields(serializers.Serializer[Any]):
    """The tenant that a key belongs to."""

    slug = serializers.CharField()
    name = serializers.CharField()


class OwnKeyFields(serializers.Serializer[Any]):
    """The calling key."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the secret begins.")
    last4 = serializers.CharField(help_text="How the secret ends.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))
    expires_at = serializers.DateTimeField(allow_null=True)


class MeFields(serializers.Serializer[Any]):
    """Who calls."""

    tenant = TenantFields()
    plan = serializers.CharField(allow_null=True)
    api_key = OwnKeyFields()
    limits = ServiceLimitsFields()


class GrantedModelFields(serializers.Serializer[Any]):
    """One model that may be used."""

    name = serializers.CharField(help_text="The name to ask for it by.")
    canonical = serializers.CharField(help_text="The name that usage is billed under.")
    dimensions = serializers.IntegerField()
    max_tokens = serializers.IntegerField(help_text="Longer texts are cut or refused.")
    outputs = serializers.ListField(
        child=serializers.ChoiceField([output.value for output in Output])
    )
    is_default = serializers.BooleanField(
        help_text="Whether requests that name no model mean this one."
    )


class GrantedModelsFields(serializers.Serializer[Any]):
    """All models that may be used."""

    data = GrantedModelFields(many=True)  # type: ignore[assignment] # just a field's name


class QuotaFields(serializers.Serializer[Any]):
    """One quota in its present period."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # just a field's name
    holder = serializers.ChoiceField(
        ["tenant", "api_key"], help_text="Whom it binds: all keys, or just this one."
    )
    quantity = serializers.ChoiceField([quantity.value for quantity in Quantity])
    period = serializers.ChoiceField([period.value for period in Period])
    limit = serializers.IntegerField(
        help_text="Money is in thousand-millionths of the currency, as is the rest."
    )
    used = serializers.IntegerField(help_text="What running requests hold included.")
    remaining = serializers.IntegerField(help_text="What can still be used.")
    resets_at = serializers.DateTimeField(
        allow_null=True, help_text="When it begins anew; null: never."
    )


class LimitsFields(ServiceLimitsFields):
    """Everything that bounds the calling key."""

    quotas = QuotaFields(many=True)


class MeView(TenantView):
    """The caller itself."""

    scopes = frozenset()

    @extend_schema(
        operation_id="tenant-me",
        summary="Tell whose key this is and what it may do",
        responses=MeFields,
    )
    def get(self, request: Request) -> Reply:  # noqa: ARG002
        """The tenant, its plan, the key and its limits."""
        caller = self.caller
        api_key = ApiKey.objects.select_related("tenant__plan").get(
            pk=caller.api_key_id, tenant_id=caller.tenant_id
        )
        tenant = api_key.tenant
        facts = {
            "tenant": tenant,
            "plan": tenant.plan and tenant.plan.name,
            "api_key": api_key,
            "limits": _service_limits(caller),
        }
        return Reply(body=MeFields(facts).data)


class ModelsView(TenantView):
    """The caller's models."""

    scopes = frozenset({Scope.EMBED.value, Scope.USAGE.value})

    @extend_schema(
        operation_id="tenant-models",
        summary="List the models this key may use",
        responses=GrantedModelsFields,
    )
    def get(self, request: Request) -> Reply:  # noqa: ARG002
        """Each grant, by its name."""
        found = {"data": granted_models(self.caller)}
        return Reply(body=GrantedModelsFields(found).data)


class LimitsView(TenantView):
    """The caller's quotas and limits."""

    scopes = frozenset({Scope.USAGE.value})

    @extend_schema(
        operation_id="tenant-limits",
        summary="Tell every quota that binds this key, and what remains of it",
        responses=LimitsFields,
    )
    def get(self, request: Request) -> Reply:  # noqa: ARG002
        """The tenant's quotas, the key's own, and the service's limits."""
        caller = self.caller
        found = allowances_of(
            tenant_id=caller.tenant_id, api_key_id=caller.api_key_id, now=timezone.now()
        )
        facts = {"quotas": map(_quota, found), **_service_limits(caller)}
        return Reply(body=LimitsFields(facts).data)


def _quota(one: Allowance) -> dict[str, Any]:
    return {
        "kind": one.kind.code,
        "label": one.kind.label,
        "holder": "api_key" if one.is_of_key else "tenant",
        "quantity": one.kind.quantity.value,
        "period": one.kind.period.value,
        "limit": one.limit,
        "used": one.used,
        "remaining": one.remaining,
        "resets_at": one.resets_at,
    }


def _service_limits(caller: Caller) -> dict[str, Any]:
    return {
        "weight": caller.limits.weight,
        "max_texts": most_texts(caller.limits),
        "keep_alive_max_s": most_keep_alive_s(caller.limits),
    }
