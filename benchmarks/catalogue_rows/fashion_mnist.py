"""Fashion-MNIST: a line, a perceptron and a CNN, each as good as it should be."""

from collections.abc import Mapping

from catalogue_row import Row, Run, flat_splits
from sklearn.neighbors import KNeighborsClassifier

from tuner.training.plan import TrainingPlan

WANTED = {"fashion_softmax": 0.84, "fashion_mlp": 0.89, "fashion_cnn": 0.92}
NEIGHBOURS_FROM = 10_000
NEIGHBOURS = "5 nearest neighbours of 10,000"


def neighbours(plan: TrainingPlan) -> Mapping[str, float]:
    """Raw pixels, five neighbours, of the first 10,000 training images, for 2,000 validation images."""
    x, y, val_x, val_y = flat_splits(plan)
    model = KNeighborsClassifier(5).fit(x[:NEIGHBOURS_FROM], y[:NEIGHBOURS_FROM])
    accuracy = float(model.score(val_x[:2000], val_y[:2000]))
    return {NEIGHBOURS: accuracy, "always one class": 0.1}


def each_model(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    return tuple(
        (f"{name.removeprefix('fashion_')}: {runs[name].value:.2%}, wanted {wanted:.0%}", runs[name].value >= wanted)
        for name, wanted in WANTED.items()
    )


ROW = Row("fashion_mnist", "70,000 garments of 28×28 pixels", tuple(WANTED), neighbours, NEIGHBOURS, each_model)
