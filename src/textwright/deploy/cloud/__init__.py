"""What deployments on AWS share: described by CloudFormation templates, shown as a plan, and only then applied.

::

    templates/          the stacks and the start-up script of an instance, to be read
    templates.py        rendering, reading and resolving them
    settings.py         the choices that every target has
    common.py           the flow of a plan and of an apply; what is particular stands in ``deploy.targets``
    plan.py             what would be made, and what changes
    stack.py            one stack: change sets, waiting, the reasons when it fails
    artifact_store.py   the image in ECR, the zip in S3
    endpoint.py         the public address, or one version of a function
    lifecycle.py        a deployment that is there: status, logs, rollback, destroy
    session.py          calls to AWS; the only place that imports boto3
    error_translation.py  AWS's errors as ours

No file on this machine remembers a deployment: the stacks do, so each command can be interrupted and run again, and
from another machine. Callers: ``deploy.targets``.
"""
