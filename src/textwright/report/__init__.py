"""Reports: a result that is written as JSON and as one HTML page that opens offline.

::

    base.py     ``Report``, which every result with a file of its own derives from
    page.py     the one template environment; the colors for notebooks
    svg.py      the one canvas that all plots are drawn on
    templates/  the frame and the style sheet of all pages, and a template for each

A new report is a class that derives from ``Report`` and a template of its name. What pages need, jinja2 and
matplotlib, is imported only when one is drawn; what a plot shows stays with the result (``evaluate.figures``, say).
"""
