"""Editions of the course in other languages, built from the English one and a catalogue."""
