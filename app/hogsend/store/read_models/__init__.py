"""Read models: the bounded queries behind the pages of the dashboard, one module for each noun."""
