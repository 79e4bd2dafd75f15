"""The settings, the parsers of their values, and the data folder's secret."""
