"""Undula."""
