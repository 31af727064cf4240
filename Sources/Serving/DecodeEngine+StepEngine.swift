public import Decoding

extension DecodeEngine: StepEngine {}
