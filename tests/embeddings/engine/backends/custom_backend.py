"""A backend as somebody else's package would bring it, by an entry point:

[project.entry-points."embedding_platform.backends"]
plain = "their_package:PlainBackend"
"""

from embeddings.engine.backends.base import Backend
from embeddings.engine.remote.asking import Answer, Ask

PATH = "/embed"


class PlainBackend(Backend):
    """`{"texts": […]}` to `{"vectors": [[…]], "n": tokens}`, sixteen texts a call."""

    name = "plain"
    title = "Plain"
    most_texts = 16

    def embed(self, ask: Ask) -> Answer:
        """One call; the transport's client guards it, and raises what goes wrong."""
        with self.transport.client() as client:
            found = client.post(
                self.endpoint.url + PATH,
                headers={"authorization": f"Bearer {self.endpoint.secret}"},
                json={"model": ask.model, "texts": ask.texts},
            ).json()
        return Answer(vectors=found["vectors"], tokens=found["n"])
