"""What each kind of engine looks like from outside, as data: one `Look` per dialect."""
