"""HTTP: the only package that knows FastAPI. Importing it imports nothing else.

``run.serve`` opens the port and loads the artifacts; ``app.create_app`` builds the application. Imports point down::

    run, app          a process that answers, and its application
    protocols         routes of each protocol          workers    several processes on one socket
    http              connections, bodies, keys, problems, pages, OpenAPI
    registry          models by name, their swap       telemetry  log, metrics, traces
    inference         one model and its queue
    settings

A further protocol is one more file in ``protocols``.
"""
