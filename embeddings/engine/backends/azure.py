"""OpenAI's models as Azure serves them: a resource's URL, and deployments by name.

Source: Azure OpenAI's REST reference.
"""

from typing import Any

from embeddings.engine.backends.base import UnfitEndpointError
from embeddings.engine.backends.openai import OpenAIBackend

#: The newest that is not a preview.
API_VERSION = "2024-10-21"


class AzureBackend(OpenAIBackend):
    """The model's name there is the deployment's. Option: `api_version`."""

    name = "azure"
    title = "Azure OpenAI"
    needs_url = True

    def _open(self, sdk: Any) -> Any:
        if not self.endpoint.url:
            raise UnfitEndpointError("azure needs the URL of the resource")
        return sdk.AzureOpenAI(
            azure_endpoint=self.endpoint.url,
            api_version=self.endpoint.options.get("api_version", API_VERSION),
            organization="",
            project="",
            **self._common(),
        )


BACKEND = AzureBackend
