"""Celery's entry points of embeddings; each is safe to run twice."""

import logging

from celery import shared_task

from embeddings.catalog.hub import HubError
from embeddings.catalog.pulling import pull
from embeddings.engine.errors import ModelUnavailableError
from embeddings.models import EmbeddingModel

logger = logging.getLogger(__name__)

#: A large model over a slow line.
LONGEST_PULL_S = 6 * 3600


@shared_task(acks_late=True, ignore_result=True, time_limit=LONGEST_PULL_S)
def pull_model(model_id: int) -> None:
    """Fetch a catalog row's model; its progress row tells how it ended."""
    model = EmbeddingModel.objects.filter(pk=model_id).first()
    if model is None:
        return
    try:
        pull(model.name)
    except (HubError, ModelUnavailableError) as error:
        logger.warning("%s was not pulled: %s", model.name, error)
