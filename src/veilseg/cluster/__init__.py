"""The jobs that outgrow one machine, on Ray: bulk work, serving, training.

Ray schedules, retries and discovers; nothing here does. The package is imported only where --ray is given.
"""

import os

# Read when Ray is imported, here and in its processes: a cluster of our own listens on loopback, not on every address.
# The name is of the systems where Ray does so anyway. A cluster that somebody else started has decided for itself.
if not os.environ.get("RAY_ADDRESS"):
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
