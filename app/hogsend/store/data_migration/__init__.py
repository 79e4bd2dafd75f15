"""From a SQLite file to Postgres: every row copied once, and every value compared."""
