"""A champion at work: verdicts on scans."""
