"""Contracts that other servers' clients speak, one small file each, all through the same predictor.

A protocol is a file with ``build_router(served)``, which describes its routes; ``api.protocols`` reads its form of
request and writes its form of answer, and ``http.predict`` runs the model in between. Limits, time-outs, the queue and
the log are not its business. Problems have one form everywhere; its member ``error`` is where clients of these
protocols look for the sentence.
"""
