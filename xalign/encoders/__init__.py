"""Sentences in, activations out: any transformers or sentence-transformers model, every layer in one forward pass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "activations": ["Activations"],
        "cache": ["ActivationCache", "Cleared"],
        "cache_entries": ["CacheEntry"],
        "cached_encoding": ["cached_encode"],
        "confounds": ["TokenizationStatistics", "shared_token_share", "tokenization_statistics"],
        "encoder": ["Encoder"],
        "fingerprints": ["cache_folder"],
        "loading": ["load_encoder"],
    },
)
