"""What each engine kind and each API looks like on the wire: data and pure functions."""
