"""The errors and warnings a caller may want to catch."""


class XalignError(Exception):
    """Any error that xalign raises on purpose."""


class CorpusError(XalignError, ValueError):
    """A corpus cannot be read, or is not parallel; the message names the file and line."""


class ModelError(XalignError, ValueError):
    """A model cannot be loaded or asked for what it does not have."""


class UnknownNameError(XalignError, ValueError):
    """A probe, language, layer or option of that name does not exist; the message names the nearest."""


class SettingError(XalignError, ValueError):
    """An argument has a value that cannot be used; the message says which values can."""


class ActivationError(XalignError):
    """A forward pass gave values that cannot be measured (NaN or infinite)."""


class ProbeError(XalignError, ValueError):
    """A probe cannot be taken of these vectors; the message names probe, layer and language."""


class CacheError(XalignError):
    """The activation cache cannot be read or written."""
