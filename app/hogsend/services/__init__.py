"""What people and programs can ask for: one module per noun, behind pages, routes and commands."""
