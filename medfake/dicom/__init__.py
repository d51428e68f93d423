"""From DICOM bytes to validated series of Hounsfield slices, and back."""
