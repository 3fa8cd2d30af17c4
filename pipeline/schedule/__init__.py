"""Jobs without a person: retrain, and the same at past dates."""
