"""Contracts that other servers' clients speak, one small file each, all through the same predictor.

A protocol is a file with ``build_router(service)``: it reads its own form of request, calls ``scoring.score`` and
writes its own form of answer. Limits, time-outs, the queue and the log are not its business. Problems have one form
everywhere; its member ``error`` is where clients of these protocols look for the sentence.
"""
