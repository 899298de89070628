"""Let a tenant use a model."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError, transaction

from accounts.management.base import PlatformCommand
from accounts.models import Tenant
from embeddings.catalog.grants import grant
from embeddings.models import EmbeddingModel


class Command(PlatformCommand):
    """Granting again changes nothing but the default; another alias is added."""

    help = "Let a tenant use a model, perhaps under a name of its own."

    def add_arguments(self, parser: CommandParser) -> None:
        """Tenant, model, alias, default."""
        super().add_arguments(parser)
        parser.add_argument("tenant", help="the tenant's slug")
        parser.add_argument("model", help="the model's canonical name")
        parser.add_argument("--alias", help="the tenant's own name for the model")
        parser.add_argument(
            "--default",
            action="store_true",
            help="use it where a request names no model",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Create or update the grant."""
        tenant = Tenant.objects.filter(slug__iexact=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"there is no tenant {options['tenant']!r}")
        model = EmbeddingModel.objects.filter(name__iexact=options["model"]).first()
        if model is None:
            raise CommandError(f"there is no model {options['model']!r}")
        try:
            with transaction.atomic():
                row = grant(
                    tenant=tenant,
                    model=model,
                    alias=options["alias"],
                    is_default=options["default"],
                )
        except IntegrityError as error:
            raise CommandError(
                f"the alias {options['alias']!r} is malformed or names another model"
            ) from error
        self.emit(
            {
                "tenant": tenant.slug,
                "model": model.name,
                "alias": row.alias,
                "default": row.is_default,
            },
            text=f"{tenant.slug} may use {model.name}",
        )
