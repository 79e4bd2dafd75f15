"""What the dashboard's screens read: bounded questions, one module for each screen."""
