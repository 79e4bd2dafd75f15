"""Read models of the dashboard's screens: bounded queries, one module for each screen."""
