"""One command from a labeled source to the best artifact for a budget and constraints.

::

    settings.py   the budget, the constraints, what is searched
    trials.py     what can be tried, and what came of it: plain values
    variations.py changes of each family's settings that are worth a try
    estimate.py   seconds that a step will take, from the steps that were measured
    plan.py       what to try next, given what is known and the time left
    source.py     the texts of the search: a file that the test texts are not in
    ledger.py     what is done and how much of the budget is spent, on disk
    clock.py      ends a training whose time is up
    execute.py    runs a step with what the other rooms have
    measure.py    speed and price of the finished models
    choice.py     constraints, Pareto front, the choice and why
    advice.py     what more time or labels would buy
    ship.py       the chosen model becomes the artifact, and the test texts are read
    report.py     all of it as JSON and as a page
    search.py     the flow

``plan``, ``estimate``, ``choice`` and ``advice`` are pure functions of plain values.
"""
