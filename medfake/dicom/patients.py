"""Who a scan is of: what anonymisers write into Patient ID (0010,0020) instead of one names nobody."""

import re

# after case, blanks and punctuation are left out; a numbered one, as in ANON-017, is a patient's own
_PLACEHOLDER = re.compile(
    r"anon|anonym|anonymous|anonymi[sz]ed|deidentified|hidden|id|na|nn|nobody|noid|noname|none|null|patient|patientid|"
    r"private|redacted|removed|unknown|unnamed|x+|0+"
)


def is_placeholder(patient_id: str) -> bool:
    """Whether a Patient ID is a word that an anonymiser gives to everybody."""
    letters = "".join(letter for letter in patient_id.casefold() if letter.isalnum())
    return bool(patient_id) and (not letters or _PLACEHOLDER.fullmatch(letters) is not None)


def patient_or_folder(patient_id: str, folder: str) -> str:
    """Name a scan's patient: by the header where it names one, else by the folder.

    Args:
        patient_id: Patient ID (0010,0020), "" without one.
        folder: Of the scan, relative to the source.
    """
    return folder if not patient_id or is_placeholder(patient_id) else patient_id
