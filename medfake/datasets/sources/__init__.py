"""Where scans come from: trees of the public sets, one's own folder, the built-in phantom."""
