// Seeded randomness, manual clock and the like, shared by the test targets.
