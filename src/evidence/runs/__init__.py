"""Stored runs, a module or a folder each: `EXPERIMENT` says which units there are and how one is run at three sizes."""
