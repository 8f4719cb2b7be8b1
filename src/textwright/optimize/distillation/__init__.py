"""Train a student on the probabilities of a teacher."""
