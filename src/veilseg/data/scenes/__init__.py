"""Generated street scenes with CamVid's classes: data without a download, and number plates whose text is known."""

from veilseg.data.scenes.scene import Scene, generate_scene

__all__ = ["Scene", "generate_scene"]
