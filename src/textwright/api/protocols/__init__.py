"""The protocols that clients of several servers speak, one file each, all without a web framework.

A protocol is a module with ``MEDIA_TYPES``, the media types that it reads, and ``parse(headers, body, limits)``, which
returns a :class:`~textwright.api.protocols.request.PredictRequest`: the texts, and how their predictions are written.
Problems have one form everywhere; its member ``error`` is where clients of these protocols look for the sentence.
"""
