"""The example for Kubernetes says what the program understands."""

from __future__ import annotations

import importlib
from pathlib import Path

import yaml

EXAMPLE = Path(__file__).parents[2] / "deploy" / "kuberay.yaml"


def test_the_example_names_an_application_that_takes_its_arguments() -> None:
    spec = yaml.safe_load(EXAMPLE.read_text())["spec"]
    (application,) = yaml.safe_load(spec["serveConfigV2"])["applications"]
    module, _, name = application["import_path"].partition(":")
    made = getattr(importlib.import_module(module), name)(application["args"])
    assert type(made).__name__ == "Application"
    groups = [spec["rayClusterConfig"]["headGroupSpec"], *spec["rayClusterConfig"]["workerGroupSpecs"]]
    for group in groups:
        pod = group["template"]["spec"]
        mounted = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert str(Path(application["args"]["tokens"]).parent) in mounted
