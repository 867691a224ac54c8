"""The conventional methods that papers compare with: shf, np, ffx."""
