"""HTTP toward clients: the server's two lanes, routes, rescue, the admin application."""
