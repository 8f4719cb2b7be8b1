"""The application of ``textwright serve``, for servers that are compared with ours; ARTIFACT names the model."""

import os

from textwright.server.app import load_app
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.settings import ServeSettings

app = load_app([ModelSpec.parse(os.environ["ARTIFACT"])], ServeSettings())
