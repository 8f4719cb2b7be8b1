"""Models to the Hugging Face hub: ``textwright push``. What comes from there is opened by ``core.hub``."""
