"""Compare families side by side on one source: train, measure, test the differences, advise.

Sits above the pipeline and evaluate, below the command line. scikit-learn is imported by the linear baseline alone.
"""
