"""The estimator follows scikit-learn's protocol: cloned, searched, cross-validated, pickled with its model."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator
from tiny_families import ROWS

import textwright as tw
from textwright.errors import DataError, SettingsError, TextError

ROWS_OF = pd.DataFrame(ROWS["binary"]()[:90])
TEXTS, LABELS = ROWS_OF["text"], ROWS_OF["label"]
QUICK = {"strength": 1.0, "features": "words", "casing": "cased"}


def make(**params):
    return tw.sklearn.TextwrightClassifier(settings=QUICK, **params)


@pytest.fixture(scope="module")
def fitted():
    return make().fit(TEXTS, LABELS)


def test_cross_validation_runs():
    assert (cross_val_score(make(), TEXTS, LABELS, cv=2) > 0.7).all()


def test_a_grid_searches_families_and_settings():
    search = GridSearchCV(make(), {"max_length": [1, 64]}, cv=2, scoring="neg_log_loss").fit(list(TEXTS), list(LABELS))
    assert search.best_params_ == {"max_length": 64}
    assert search.best_estimator_.model_.artifact.manifest.max_length == 64


def test_classes_keep_their_type_and_order():
    numbers = np.where(LABELS == "good", 10, 9)  # "10" sorts before "9"
    estimator = make().fit(list(TEXTS), numbers)
    assert estimator.classes_.tolist() == [9, 10]
    assert estimator.predict(["good", "bad"]).tolist() == [10, 9]
    rows = estimator.predict_proba(["good", "bad"])
    assert rows.argmax(axis=1).tolist() == [1, 0]
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert estimator.score(list(TEXTS), numbers) > 0.8


def test_it_is_pickled_with_its_model(fitted):
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301  our own
    assert again.model_.artifact.path != fitted.model_.artifact.path
    assert np.array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_an_unfitted_one_says_so():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(["a film"])


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(TextError, match="text 1 is missing"):
        make().fit(["a film", None, "b"], ["x", "y", "x"])
    with pytest.raises(DataError, match="2 dimensions"):
        make().fit(["a", "b"], [[0, 1], [1, 0]])
    with pytest.raises(DataError, match="at least 2 labels"):
        make().fit(list(TEXTS), ["same"] * len(TEXTS))
    with pytest.raises(SettingsError, match="did you mean"):
        make().set_params(settings={"num_epoch": 1}).fit(TEXTS, LABELS)


def test_a_random_state_may_be_a_generator():
    seeded = make(random_state=np.random.RandomState(7)).fit(TEXTS, LABELS)
    assert seeded.model_.artifact.manifest.training["settings"]["seed"] == np.random.RandomState(7).randint(2**31 - 1)


class OnNumbers(tw.sklearn.TextwrightClassifier):
    """Turns scikit-learn's rows of numbers into texts, so that its checks can be run."""

    @staticmethod
    def texts(X):  # noqa: N803  scikit-learn's name, as below
        return [" ".join(f"f{column}v{round(float(value) * 2)}" for column, value in enumerate(row)) for row in X]

    def fit(self, X, y):  # noqa: N803
        return super().fit(self.texts(X), y)

    def predict(self, X):  # noqa: N803
        return super().predict(self.texts(X))

    def predict_proba(self, X):  # noqa: N803
        return super().predict_proba(self.texts(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


NUMBERS = "it is about arrays of numbers: their types, layouts, missing values, features or targets of a regression"
TINY = "its rows, as texts, have fewer than three distinct ones of a class, or one class, which is refused"
NOT_RUN = {
    "check_readonly_memmap_input": NUMBERS,
    "check_n_features_in_after_fitting": NUMBERS,
    "check_positive_only_tag_during_fit": NUMBERS,
    "check_estimators_dtypes": NUMBERS,
    "check_estimator_sparse_tag": NUMBERS,
    "check_estimator_sparse_array": NUMBERS,
    "check_estimator_sparse_matrix": NUMBERS,
    "check_array_api_input": NUMBERS,
    "check_f_contiguous_array_estimator": NUMBERS,
    "check_pipeline_consistency": TINY,
    "check_estimators_pickle": TINY,
    "check_classifiers_classes": TINY,
    "check_classifier_data_not_an_array": TINY,
    "check_classifiers_one_label": TINY,
    "check_classifiers_one_label_sample_weights": NUMBERS,
    "check_estimators_partial_fit_n_features": NUMBERS,
    "check_classifiers_regression_target": NUMBERS,
    "check_non_transformer_estimators_n_iter": NUMBERS,
    "check_fit2d_1sample": TINY,
    "check_fit2d_1feature": TINY,
}


def yielded():
    return {_name(check) for check in estimator_checks._yield_all_checks(OnNumbers(), legacy=True)}


def _name(check):
    return (check.func if isinstance(check, partial) else check).__name__


RUN = sorted(yielded() - set(NOT_RUN))


def test_each_check_of_scikit_learn_is_run_or_named():
    assert set(NOT_RUN) <= yielded(), "a check that is named is gone"
    assert len(RUN) >= 20


@pytest.mark.parametrize("name", RUN)
def test_the_checks_of_scikit_learn_pass(name):
    getattr(estimator_checks, name)("TextwrightClassifier", OnNumbers(settings=QUICK))


def test_the_whole_suite_knows_that_it_takes_texts():
    assert is_classifier(make())
    tags = get_tags(make())
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    with pytest.warns(match="Can't test estimator"):
        check_estimator(make(), on_skip=None)
    assert clone(make(family="bow")).get_params() == make(family="bow").get_params()
