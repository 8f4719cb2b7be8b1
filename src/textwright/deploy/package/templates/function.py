"""The Lambda function: Lambda imports this module once per instance and calls ``handler`` for each event."""

import gc

gc.disable()  # nothing that is loaded here is garbage, and each search for some costs the cold start

from pathlib import Path  # noqa: E402

from textwright.serverless.start import start  # noqa: E402

handler = start(Path(__file__).parent)
gc.freeze()
gc.enable()
