"""A served model from Python: typed answers, batches, and patience with a server that is busy.

::

    requests.py   texts become the bodies of requests
    answers.py    answers become predictions, or the error that the server names; when to try again
    clients.py    the two clients, which differ in how they wait

Needs httpx (the extra "client"), and neither the server nor the runtime.
"""

from textwright.optional_deps import require

require("client", what="the client of a server")
