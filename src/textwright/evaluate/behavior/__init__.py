"""Behavioral tests in the sense of CheckList: invariance, direction, minimum functionality.

Source:
    Ribeiro et al., 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList".
"""
