"""One click command per DVC stage: read params.yaml, call medfake, write the stage's outs."""
