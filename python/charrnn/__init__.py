"""What the scripts of launch/ are made of: they read runs, draw pictures, and keep a training going."""
