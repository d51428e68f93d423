"""Where scans come from: trees of the public sets, or a folder of one's own."""
