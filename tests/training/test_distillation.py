"""A teacher's answers as targets: the loss is the paper's, and the loop learns from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from textwright.core.labels import Labels, Task
from textwright.training.distillation import DistillationTargets, TeacherMean, soft_targets
from textwright.training.objective import distilled, make_objective

LABELS = Labels(("negative", "neutral", "positive"))
TOPICS = Labels(("music", "plot", "acting"), Task.MULTI_LABEL)
LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0], [-1.0, 1.0, 0.0]], dtype=np.float32)


def test_known_labels_count_as_true_and_others_are_the_teachers() -> None:
    soft, true = soft_targets([LOGITS], np.array([1, 2]), LABELS, temperature=2.0)
    np.testing.assert_allclose(soft, torch.softmax(torch.from_numpy(LOGITS) / 2, dim=1), atol=1e-6)
    assert true[:2].tolist() == [[0, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(true[2], torch.softmax(torch.from_numpy(LOGITS[2]), dim=0), atol=1e-6)


def test_labels_that_hold_together_are_softened_one_by_one() -> None:
    soft, true = soft_targets([LOGITS], np.array([[True, True, False]]), TOPICS, temperature=4.0)
    np.testing.assert_allclose(soft, torch.sigmoid(torch.from_numpy(LOGITS) / 4), atol=1e-6)
    assert true[0].tolist() == [1, 1, 0]
    np.testing.assert_allclose(true[1:], torch.sigmoid(torch.from_numpy(LOGITS[1:])), atol=1e-6)


def test_several_teachers_are_averaged() -> None:
    both, _ = soft_targets([LOGITS, -LOGITS], np.array([0]), LABELS, temperature=1.0)
    singles = [soft_targets([item], np.array([0]), LABELS, temperature=1.0)[0] for item in (LOGITS, -LOGITS)]
    np.testing.assert_allclose(both, np.mean(singles, axis=0), atol=1e-6)
    by_logits, _ = soft_targets([LOGITS, -3 * LOGITS], np.array([0]), LABELS, temperature=2.0, mean=TeacherMean.LOGITS)
    np.testing.assert_allclose(by_logits, torch.softmax(torch.from_numpy(-LOGITS / 2), dim=1), atol=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_loss_is_hintons(temperature: float) -> None:
    student = torch.tensor([[0.3, -0.2, 1.0], [2.0, 0.0, 0.1], [0.0, 0.0, 0.0]], requires_grad=True)
    soft, true = map(torch.from_numpy, soft_targets([LOGITS], np.array([0, 2, 1]), LABELS, temperature=temperature))
    objective = distilled(
        make_objective(Task.SINGLE_LABEL), Task.SINGLE_LABEL, temperature=temperature, label_weight=0.25
    )
    loss = objective(student, torch.stack([soft, true], dim=1))
    divergence = functional.kl_div(torch.log_softmax(student / temperature, 1), soft, reduction="batchmean")
    entropy = -(soft * soft.log()).sum(1).mean()
    hard = functional.cross_entropy(student, torch.tensor([0, 2, 1]))
    expected = 0.75 * temperature**2 * (divergence + entropy) + 0.25 * hard
    torch.testing.assert_close(loss, expected)


def test_a_student_that_is_its_teacher_has_nothing_to_learn() -> None:
    for labels in (LABELS, TOPICS):
        student = torch.from_numpy(LOGITS).clone().requires_grad_()
        soft, true = map(
            torch.from_numpy, soft_targets([LOGITS], np.zeros((0, 3), dtype=bool), labels, temperature=2.0)
        )
        objective = distilled(make_objective(labels.task), labels.task, temperature=2.0, label_weight=0.5)
        objective(student, torch.stack([soft, true], dim=1)).backward()
        torch.testing.assert_close(student.grad, torch.zeros(3, 3), atol=1e-6, rtol=0)


def test_lessons_are_known_by_all_that_they_hold() -> None:
    def digest(**changes: object) -> str:
        soft, true = soft_targets([LOGITS], np.array([0]), LABELS, temperature=2.0)
        content = {"texts": list("abc"), "soft": soft, "true": true, "temperature": 2.0, "label_weight": 0.1}
        return DistillationTargets(**{**content, "vocabulary_texts": ["a"], **changes}).digest()

    assert digest() == digest()
    others = [digest(temperature=3.0), digest(label_weight=0.2), digest(start={"a": torch.ones(2)})]
    assert len({digest(), *others}) == 4
