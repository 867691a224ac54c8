"""Generated street scenes with CamVid's classes: data without a download, and number plates whose text is known."""
