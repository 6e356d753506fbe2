"""Pure decisions: no asyncio, sockets, logging or wall clock; time and randomness are passed in."""
