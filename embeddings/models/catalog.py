"""The model catalog and who may use what."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Tenant
from accounts.models.revision import bump_revision
from embeddings.engine.spec import Output, Truncate
from embeddings.models.provider import Provider

#: Model names are keys into a table, never paths; whatever else comes is not found.
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*([/:][A-Za-z0-9_.\-]+)*$"


class Outputs(models.TextChoices):
    """What a model makes of a text."""

    DENSE = Output.DENSE.value, "Dense"
    SPARSE = Output.SPARSE.value, "Sparse"
    BOTH = "both", "Dense and sparse"


class EmbeddingModelQuerySet(models.QuerySet["EmbeddingModel"]):
    """Catalog rows, by state and grant."""

    def enabled(self) -> "EmbeddingModelQuerySet":
        """Those operators offer."""
        return self.filter(is_enabled=True)

    def granted_to(self, tenant: Tenant) -> "EmbeddingModelQuerySet":
        """Those a tenant may use."""
        return self.enabled().filter(grants__tenant=tenant).distinct()


class EmbeddingModel(models.Model):
    """One model that can be served, whether or not its weights are on this disk."""

    name = models.CharField(
        max_length=200, help_text="Canonical name; usage is billed under it."
    )
    provider = models.ForeignKey(
        Provider,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="models",
        help_text="Who embeds; empty: this platform.",
    )
    source = models.CharField(
        max_length=500,
        help_text="Hub id (org/name), or the absolute path of a model folder; of a "
        "provider, its own name for the model.",
    )
    family = models.CharField(max_length=32, default="encoder")
    route = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="Which encoder of a folder that holds several; empty: its own.",
    )
    output = models.CharField(
        max_length=8, choices=Outputs.choices, default=Outputs.DENSE.value
    )
    dimensions = models.PositiveIntegerField()
    matryoshka_min = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Smallest size, where every size from it on may be asked for.",
    )
    matryoshka_sizes = ArrayField(
        models.PositiveIntegerField(),
        default=list,
        blank=True,
        help_text="The sizes that may be asked for, where only some may.",
    )
    max_tokens = models.PositiveIntegerField(
        help_text="Longer texts are cut or refused; special tokens included."
    )
    context_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="What the architecture could take, where a caller may ask for more.",
    )
    prompts = models.JSONField(
        default=dict, blank=True, help_text='Prefix by role: {"query": "…"}.'
    )
    instruction_template = models.TextField(
        blank=True,
        help_text="Holds {instruction} and {text}; empty: instructions are ignored.",
    )
    include_prompt = models.BooleanField(
        default=True, help_text="Whether the prompt's tokens are pooled."
    )
    over_length = models.CharField(
        max_length=8,
        choices=[(rule.value, rule.value) for rule in Truncate],
        blank=True,
        help_text="For texts that are too long; empty: as each wire does.",
    )
    precision = models.CharField(max_length=16, default="float32")
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    manifest = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        editable=False,
        help_text="SHA-256 of each file, as it was checked.",
    )
    owner = models.CharField(max_length=100, default="library")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmbeddingModelQuerySet.as_manager()

    class Meta:
        """Names are unique whatever their case, as Ollama's users expect."""

        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="embedding_model_name_unique",
                violation_error_message="A model with this name exists.",
            ),
            models.CheckConstraint(
                condition=models.Q(name__regex=NAME_PATTERN),
                name="embedding_model_name_form",
                violation_error_message="Letters, digits, _ - . / and : only.",
            ),
            models.CheckConstraint(
                condition=models.Q(dimensions__gt=0) & models.Q(max_tokens__gt=0),
                name="embedding_model_sizes_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(provider__isnull=True)
                | models.Q(
                    ~models.Q(source=""),
                    fingerprint="",
                    manifest=models.Value({}, models.JSONField()),
                    route="",
                    output=Outputs.DENSE.value,
                    context_tokens__isnull=True,
                ),
                name="embedding_model_remote_has_no_files",
                violation_error_message="A provider's model has dense vectors, and no "
                "route or files here.",
            ),
        ]
        triggers = [bump_revision("embedding_model_bump_revision")]

    def __str__(self) -> str:
        return self.name


class ModelAlias(models.Model):
    """A further name under which every tenant with a grant finds a model."""

    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.CASCADE, related_name="aliases"
    )
    name = models.CharField(max_length=200)

    class Meta:
        """An alias leads to one model only."""

        ordering = ["name"]
        verbose_name_plural = "model aliases"
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="model_alias_unique",
                violation_error_message="Another model has this alias.",
            ),
            models.CheckConstraint(
                condition=models.Q(name__regex=NAME_PATTERN),
                name="model_alias_form",
                violation_error_message="Letters, digits, _ - . / and : only.",
            ),
        ]
        triggers = [bump_revision("model_alias_bump_revision")]

    def __str__(self) -> str:
        return self.name


class ModelGrant(models.Model):
    """A tenant may use a model, perhaps under a name of the tenant's own."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="model_grants"
    )
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.CASCADE, related_name="grants"
    )
    alias = models.CharField(  # noqa: DJ001 - NULL is "no alias" to the constraints
        max_length=200,
        null=True,
        blank=True,
        help_text="The tenant's own name for it; it wins over every other.",
    )
    is_default = models.BooleanField(
        default=False, help_text="For wires whose request names no model."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One default and no ambiguous alias per tenant."""

        ordering = ["tenant", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "model", "alias"],
                name="model_grant_unique",
                nulls_distinct=False,
                violation_error_message="The tenant has this grant.",
            ),
            models.UniqueConstraint(
                "tenant",
                Lower("alias"),
                name="model_grant_alias_unique",
                violation_error_message="The tenant has this alias.",
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(is_default=True),
                name="model_grant_one_default",
                violation_error_message="The tenant has a default model.",
            ),
            models.CheckConstraint(
                condition=models.Q(alias__isnull=True)
                | models.Q(alias__regex=NAME_PATTERN),
                name="model_grant_alias_form",
                violation_error_message="Letters, digits, _ - . / and : only.",
            ),
        ]
        triggers = [bump_revision("model_grant_bump_revision")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.alias or self.model}"
