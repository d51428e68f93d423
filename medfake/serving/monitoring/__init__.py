"""What was served beside what a detector learnt from."""
