"""What every way of asking for predictions shares, whatever brings the request: HTTP, a Lambda event, a file.

Imports the standard library, ``core`` and ``runtime`` alone: no web framework and no settings library, because a Lambda
function pays for each import at every cold start. Callers: ``server`` and ``serverless``.
"""
