"""Does a served model still see what it was trained on? Records of a server against the artifact's reference profile.

::

    records.py            Parquet of ``serve --record`` -> a sample
    sample.py             what is compared: predictions and facts of texts, in arrays
    drift_tests.py        is it another distribution? confidence, lengths, words, predicted labels, the texts themselves
    label_shift.py        shares of the labels, estimated without labels
    expected_accuracy.py  accuracy, estimated without labels
    monitoring.py         all of it, and when it is an alarm
    report.py, figures.py the result, its page and its plots over time
"""
