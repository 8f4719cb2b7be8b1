"""The application of ``textwright serve``, for servers that are compared with ours; ARTIFACT names the model."""

import os

from textwright.server.process import load_app
from textwright.server.settings import ServeSettings
from textwright.server.sources import ModelSource

app = load_app([ModelSource.parse(os.environ["ARTIFACT"])], ServeSettings())
