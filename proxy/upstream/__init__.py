"""The engine side: connections, pools and exchanges; ignorant of calls and clients."""
