"""A notebook's parameters to trainings: which folds, what is finished, who trains, what is kept.
Imports ``runs`` and what lies below it."""
