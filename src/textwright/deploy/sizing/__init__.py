"""What an artifact costs on each size of EC2 and of Lambda, from what it was measured to take on this machine.

::

    settings.py    the traffic, the sizes and the assumptions
    requests.py    requests like those to come: so many texts of so many tokens
    server.py      processor time of a request to the real server
    function.py    processor time of a request to the Lambda function, and of its init
    measured.py    both, and how they are kept
    choices.py     a row for each size, in dollars
    break_even.py  dollars over traffic, and where EC2 becomes cheaper than Lambda
    report.py      all of these in turn; the result as JSON and as a page
    figures.py     the plot

Dollars come from ``deploy.cost``; prices from ``deploy.prices``.
"""
