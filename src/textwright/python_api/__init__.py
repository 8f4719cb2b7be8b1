"""What a data scientist types: ``train``, ``load``, ``compare`` and the objects that they return.

It holds no step of the work: each call goes through the function that the command of that name goes through. What a
method needs is imported when it is called, so that loading and predicting need the base install alone.
"""
