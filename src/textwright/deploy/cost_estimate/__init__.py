"""What an artifact costs on each size of each target, from what it was measured to take on this machine.

::

    settings.py    the traffic, the sizes and the assumptions
    measure.py     processor time of a request to the real server and to the Lambda function, and how it is kept
    arithmetic.py  dollars of a month, each line with its arithmetic in words
    plans.py       a month of EC2 instances, or of a Lambda function
    choices.py     a row for each size, in dollars
    break_even.py  dollars over traffic, and where another target becomes the cheapest
    report.py      all of these in turn; the result as JSON and as a page
    figures.py     the plot

Prices come from ``deploy.prices``; the sizes of a target stand in its file in ``deploy.targets``.
"""
