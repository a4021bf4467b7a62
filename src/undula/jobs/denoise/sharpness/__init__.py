"""The sharpness dial: its gain, ring by ring, and its price."""
