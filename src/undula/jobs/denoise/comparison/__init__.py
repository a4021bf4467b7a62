"""All losses and the sharpness dial side by side."""
