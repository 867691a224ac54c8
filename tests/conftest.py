"""Fixtures shared by all tests, and the rule that CI skips nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("veilseg", deadline=None)
settings.load_profile("veilseg")

IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def camvid() -> Path:
    """The folder of CamVid photographs: VEILSEG_CAMVID, or ../shared/camvid beside the checkout; skips without it."""
    root = Path(os.environ.get("VEILSEG_CAMVID", Path(__file__).parents[2] / "shared" / "camvid"))
    if not (root / "val").is_dir():
        pytest.skip(f"no CamVid at {root}; set VEILSEG_CAMVID to run this test")
    return root


@pytest.fixture(scope="session")
def dinov2() -> Path:
    """The file of DINOv2 ViT-S/14 in the folder VEILSEG_WEIGHTS, or ../shared/weights; skips without it."""
    root = Path(os.environ.get("VEILSEG_WEIGHTS", Path(__file__).parents[2] / "shared" / "weights"))
    path = root / "dinov2_vits14_f16.safetensors"
    if not path.is_file():
        pytest.skip(f"no weights at {path}; set VEILSEG_WEIGHTS to run this test")
    return path


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A skipped check is no green check: in CI a skip is a failure."""
    report = (yield).get_result()
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """The same for a whole file that skips itself."""
    report = (yield).get_result()
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried once more is shown, too: where it hung."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.write_sep("=", f"TRIED AGAIN {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
