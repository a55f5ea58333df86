"""Models that give texts vectors: a layer of an encoder, or a sentence-transformers folder as a whole."""
