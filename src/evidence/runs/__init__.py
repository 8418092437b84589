"""Stored runs, a module each: `EXPERIMENT` says which units there are and how one is run at three sizes."""
