"""Score more texts than one process should: ``textwright score``, in parts that are done once and can be resumed.

::

    settings.py    the choices
    storage.py     files and folders of this machine and of S3
    inputs.py      which files an input names
    plan.py        each file cut into fragments: whole rows that one process scores
    ledger.py      what was planned and what is done, beside the output
    scoring.py     one fragment: texts in, a file of predictions out
    engines/       who calls that: processes of this machine, or actors of a Ray cluster
    run.py         the flow through all of these
    summary.py     rows, throughput, price per million

Both engines write each fragment with the same function, so their outputs are equal byte for byte.
"""
