"""What an encrypted image gives away: attacks, and the report of what they found."""

from veilseg.audit.base import Attack, Evidence, Finding, Training
from veilseg.audit.registry import ATTACKS, choose
from veilseg.audit.report.files import write_audit
from veilseg.audit.run import AttackResult, CipherResult, audit_cipher, read_subjects
from veilseg.audit.samples import Subject, open_references, open_subjects

__all__ = [
    "ATTACKS",
    "Attack",
    "AttackResult",
    "CipherResult",
    "Evidence",
    "Finding",
    "Subject",
    "Training",
    "audit_cipher",
    "choose",
    "open_references",
    "open_subjects",
    "read_subjects",
    "write_audit",
]
