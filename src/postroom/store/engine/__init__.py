"""The two database engines behind one interface; the only place that knows their drivers."""
