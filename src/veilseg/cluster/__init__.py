"""The jobs that outgrow one machine, on Ray: bulk work, serving, training.

Ray schedules, retries and discovers; nothing here does. The package is imported only where --ray is given.
"""
