"""The behavioral tests of :mod:`textwright.evaluate.behavior` on a candidate and the champion."""
