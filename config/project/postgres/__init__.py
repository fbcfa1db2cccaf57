"""Django's PostgreSQL backend with a pool that keeps its connections warm; named in the settings."""
