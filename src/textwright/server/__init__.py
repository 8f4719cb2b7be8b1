"""The HTTP door: the only room that knows FastAPI. Importing this package imports nothing else.

Way in: ``run.serve`` opens the port and loads the artifact; ``app.create_app`` builds the application; ``routes`` holds
the native contract. A further protocol is one more file beside ``routes``.
"""
