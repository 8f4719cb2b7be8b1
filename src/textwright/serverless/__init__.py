"""The Lambda door: events of Function URL, HTTP API and load balancer in, the server's wire out.

A pure function on the runtime: no web framework and no settings library in its import path, because a cold start pays
for each import (``docs/decisions`` tells the measurement). The function's module is one line of the package that
``textwright package`` writes::

    handler = textwright.serverless.start.start()
"""
