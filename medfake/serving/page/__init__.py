"""The page of the service: pages that a browser shows without asking anybody else for anything."""
