"""Reads what charrnn_dist leaves behind: runs, and pictures of them. The trainer needs nothing of this."""
