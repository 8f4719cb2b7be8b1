"""Who scores fragments with :class:`textwright.bulk.scoring.FragmentScorer`, and where.

``protocol.py`` says what an engine is; ``local.py`` has processes of this machine, ``ray.py`` actors of a Ray cluster.
"""
