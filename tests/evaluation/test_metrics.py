"""The metrics against cityscapesScripts, against a loop that follows the formulas, and by their properties."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veilseg.errors import InvalidDataError, UsageError
from veilseg.evaluation.metrics import ConfusionMatrix


def random_pair(rng: np.random.Generator, classes: int, shape: tuple[int, int] = (23, 31)) -> tuple:
    label = rng.integers(0, classes, shape).astype(np.uint8)
    prediction = np.where(rng.random(shape) < 0.6, label, rng.integers(0, classes, shape)).astype(np.uint8)
    label[rng.random(shape) < 0.1] = 255
    return prediction, label


def naive_scores(pairs: list, classes: int) -> tuple[float, float, float]:
    """Pixel by pixel, from the definition."""
    right = total = 0
    intersection, union, truth = [0] * classes, [0] * classes, [0] * classes
    for prediction, label in pairs:
        for p, t in zip(prediction.ravel().tolist(), label.ravel().tolist(), strict=True):
            if t == 255:
                continue
            total += 1
            truth[t] += 1
            union[t] += 1
            if p == t:
                right += 1
                intersection[t] += 1
            else:
                union[p] += 1
    ious = [i / u for i, u in zip(intersection, union, strict=True) if u]
    accs = [i / t for i, t in zip(intersection, truth, strict=True) if t]
    return right / total, sum(ious) / len(ious), sum(accs) / len(accs)


@pytest.mark.parametrize("classes", [1, 2, 11, 150])
def test_scores_equal_a_naive_loop_over_pixels(classes: int) -> None:
    rng = np.random.default_rng(classes)
    pairs = [random_pair(rng, classes) for _ in range(4)]
    matrix = ConfusionMatrix(classes)
    for pair in pairs:
        matrix.update(*pair)
    assert (matrix.aacc, matrix.miou, matrix.macc) == pytest.approx(naive_scores(pairs, classes), abs=1e-12)
    assert matrix.counts.dtype == np.int64


def test_iou_equals_cityscapes_scripts() -> None:
    pytest.importorskip("cityscapesscripts")
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as reference  # noqa: N813
    from cityscapesscripts.helpers.labels import labels

    evaluated = sorted(
        (label for label in labels if 0 <= label.trainId < 19 and label.id >= 0), key=lambda x: x.trainId
    )
    to_id = np.array([label.id for label in evaluated])
    rng = np.random.default_rng(7)
    matrix, theirs = ConfusionMatrix(19), reference.generateMatrix(reference.args)
    for classes in (19, 12):  # the classes above 12 are rarer
        prediction, label = random_pair(rng, classes, (40, 50))
        prediction[prediction == 17], label[label == 17] = 0, 0  # 17 occurs nowhere
        label[label == 16] = 0  # 16 is predicted but never true
        matrix.update(prediction, label)
        true_id = np.where(label == 255, 0, to_id[np.minimum(label, 18)])  # id 0, unlabeled, is ignored there
        np.add.at(theirs, (true_id, to_id[prediction]), np.ulonglong(1))
    args = SimpleNamespace(evalLabels=reference.args.evalLabels)
    expected = np.array([reference.getIouScoreForLabel(label.id, theirs, args) for label in evaluated])
    np.testing.assert_allclose(matrix.iou, expected, rtol=1e-12)
    by_name = {label.name: score for label, score in zip(evaluated, expected, strict=True)}
    assert matrix.miou == pytest.approx(reference.getScoreAverage(by_name, args), abs=1e-12)
    assert np.isnan(matrix.iou[17])
    assert matrix.iou[16] == 0


def test_iou_equals_the_file_based_evaluation_of_cityscapes_scripts(tmp_path) -> None:
    """The whole path of their evaluator, files included, not only its formula."""
    pytest.importorskip("cityscapesscripts")
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as reference  # noqa: N813
    from PIL import Image

    rng = np.random.default_rng(3)
    prediction, label = random_pair(rng, 3, (32, 48))
    ids = np.array([7, 8, 26])  # road, sidewalk, car
    Image.fromarray(ids[prediction].astype(np.uint8)).save(tmp_path / "p.png")
    truth = np.where(label == 255, 0, ids[np.minimum(label, 2)]).astype(np.uint8)
    Image.fromarray(truth).save(tmp_path / "t.png")
    args = SimpleNamespace(evalLabels=[], evalInstLevelScore=False, evalPixelAccuracy=False)
    theirs = reference.generateMatrix(args)
    reference.evaluatePair(str(tmp_path / "p.png"), str(tmp_path / "t.png"), theirs, {}, {}, args)
    matrix = ConfusionMatrix(3)
    matrix.update(prediction, label)
    expected = [reference.getIouScoreForLabel(int(i), theirs, args) for i in ids]
    np.testing.assert_allclose(matrix.iou, expected, rtol=1e-12)


def test_a_hand_made_case() -> None:
    matrix = ConfusionMatrix(3)
    matrix.update(np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 255]]))
    assert matrix.counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert matrix.aacc == pytest.approx(2 / 3)
    assert matrix.miou == pytest.approx((1 / 2 + 1 / 2) / 2)  # class 2 is absent: left out, not 0
    assert matrix.macc == pytest.approx((1 + 1 / 2) / 2)
    assert matrix.per_class(("a", "b", "c"))["c"] == {"iou": None, "acc": None}


def test_scores_are_of_the_dataset_not_means_of_images() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.zeros((1, 9), np.uint8), np.zeros((1, 9), np.uint8))
    matrix.update(np.zeros((1, 1), np.uint8), np.ones((1, 1), np.uint8))
    assert matrix.aacc == pytest.approx(0.9)  # the mean of images would be 0.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 40))
def test_parts_add_up_to_the_whole(seed: int, classes: int, cut: int) -> None:
    prediction, label = random_pair(np.random.default_rng(seed), classes, (5, 41))
    whole, parts = ConfusionMatrix(classes), ConfusionMatrix(classes)
    whole.update(prediction, label)
    parts.update(prediction[:, :cut], label[:, :cut])
    parts.update(prediction[:, cut:], label[:, cut:])
    assert (parts.counts == whole.counts).all()
    assert whole.pixels == (label != 255).sum()


def test_perfect_predictions_score_one_and_nothing_scores_nan() -> None:
    matrix = ConfusionMatrix(4)
    assert np.isnan([matrix.aacc, matrix.miou, matrix.macc]).all()
    label = np.array([[0, 3, 255]], np.uint8)
    matrix.update(np.array([[0, 3, 2]], np.uint8), label)
    assert (matrix.aacc, matrix.miou, matrix.macc) == (1, 1, 1)


def test_what_cannot_be_counted_is_refused_and_leaves_no_trace() -> None:
    matrix, zeros = ConfusionMatrix(3), np.zeros((2, 2), np.uint8)
    with pytest.raises(InvalidDataError, match=r"label holds id 7"):
        matrix.update(zeros, np.full((2, 2), 7, np.uint8))
    with pytest.raises(InvalidDataError, match=r"prediction holds id 255"):
        matrix.update(np.full((2, 2), 255, np.uint8), zeros)
    with pytest.raises(InvalidDataError, match="2x2 but the label is 3x2"):
        matrix.update(zeros, np.zeros((2, 3), np.uint8))
    with pytest.raises(InvalidDataError, match="integer"):
        matrix.update(zeros.astype(np.float32), zeros)
    with pytest.raises(UsageError):
        ConfusionMatrix(0)
    assert matrix.pixels == 0
