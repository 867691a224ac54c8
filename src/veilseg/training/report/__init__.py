"""report.html of a training run: curves, the confusion matrix, and the best and worst pictures."""
