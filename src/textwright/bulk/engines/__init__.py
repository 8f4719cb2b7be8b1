"""Who calls :func:`textwright.bulk.scoring.score_fragment`, and where.

``protocol.py`` says what an engine is; ``local.py`` has processes of this machine, ``ray.py`` actors of a Ray cluster.
"""
