"""From an artifact to where it runs; the only room that may speak to a container engine or a cloud.

- ``package/``: build contexts, zips and what they hold; needs no account and no cloud.
- ``cloud/``: plans and deployments on AWS; the only room that imports boto3.

Callers: ``cli``. Nothing here is imported by what runs in a container or a function.
"""
