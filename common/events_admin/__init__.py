"""What the admin shows of events, and what operators do there about those that went wrong."""
