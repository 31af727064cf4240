import Foundation

/// The C library's e^x, which the module itself does not use.
func exponential(_ x: Double) -> Double { exp(x) }
