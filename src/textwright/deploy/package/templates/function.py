"""The Lambda function: Lambda imports this module once per instance and calls ``handler`` for each event."""

from pathlib import Path

from textwright.serverless.start import start

handler = start(Path(__file__).parent)
