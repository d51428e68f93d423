"""How detectors are trained: patches, two phases, classical; each ends as one ONNX graph."""
