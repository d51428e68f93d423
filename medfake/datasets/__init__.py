"""From scans and labels to a manifest and shards."""
