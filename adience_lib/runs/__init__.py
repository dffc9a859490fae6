"""What a training leaves, and how it survives: one fold to its folder, and back to tables. A run
folder alone passes from training to results. Imports the core and ``util``."""
