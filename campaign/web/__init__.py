"""The pages of campaigns in the browser: from snapshots that a thread of the server renews, never by planning per request."""
