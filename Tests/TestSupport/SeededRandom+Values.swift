extension SeededRandom {
    /// Values in −1...1.
    public mutating func values(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &self) }
    }
}
