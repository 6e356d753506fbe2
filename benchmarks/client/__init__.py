"""The load-making client: sends a schedule to one endpoint and notes when everything came."""
