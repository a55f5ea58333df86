"""What a choice is made from: compact arrays of the pool, the target, the space of both, quotas."""
