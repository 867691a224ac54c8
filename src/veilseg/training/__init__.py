"""Training: recipes, augmentation before encryption, and the loop (Lightning)."""
