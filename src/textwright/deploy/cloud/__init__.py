"""On AWS: what is made is described by CloudFormation templates, shown as a plan, and only then applied.

::

    templates/     the stacks and the start-up script of an instance, to be read
    templates.py   rendering and reading them
    resolve.py     a template with its parameters put in
    settings.py    the choices
    session.py     calls to AWS; the only place that makes clients
    failures.py    AWS's errors in words
    stack.py       one stack: change sets, waiting, the reasons when it fails
    network.py     where instances run
    store.py       the image in ECR, the zip in S3
    address.py     the golden examples through the public address
    plan.py        what would be made, and what changes
    costs.py       what a month would cost
    deployment.py  what is known of one deployment: its stacks and their outputs
    walk.py        what both walks share
    function.py    the walk to a Lambda function
    server.py      the walk to EC2 servers
    operate.py     status, logs, rollback, destroy

No file on this machine remembers a deployment: the stacks do, so each command can be interrupted and run again, and
from another machine. Callers: ``cli``. boto3 is imported here alone.
"""
