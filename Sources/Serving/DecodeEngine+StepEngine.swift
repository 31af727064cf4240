public import Decoding

/// The real engine computes steps as they are.
extension DecodeEngine: StepEngine {}
