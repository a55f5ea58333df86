"""What is done to every shard of a pool: embedding, labels, categories, translations and scores."""
