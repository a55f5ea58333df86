"""How xalign-mini is made: `python -m xalign.embedded.training --data FOLDER --out FOLDER`.

Translations are pulled together and towards an English teacher, first in the token embeddings alone, then through
six transformer layers. Everything random is a function of the seed and the step, so that a killed run continues
to the same weights.
"""
