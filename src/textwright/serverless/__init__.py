"""Lambda: events of Function URL, HTTP API and load balancer in, answers of every protocol of the server out.

A pure function on ``api`` and ``runtime``: no web framework and no settings library in its import path, because a cold
start pays for each import (``docs/decisions`` has the measurement). The function's module is one line of the package
that ``textwright package`` writes::

    handler = textwright.serverless.start.start()
"""
