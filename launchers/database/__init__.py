"""Which MongoDB: the user's, a private `mongod`, or the embedded server."""
