"""Redis, Kafka, settings, metrics: moves bytes and never looks inside."""
