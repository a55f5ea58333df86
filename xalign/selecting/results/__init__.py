"""A selection of data as it is judged, told, drawn and written."""
