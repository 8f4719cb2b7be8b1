"""Labels that people look at: those suspected to be wrong, texts worth a label next, and the page to decide on.

Stands beside ``comparison``, ``optimize`` and ``deploy``; knows data, training and the runtime.
"""
