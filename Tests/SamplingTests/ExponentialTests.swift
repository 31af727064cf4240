import Testing

@testable import Sampling

@Suite struct ExponentialTests {
    @Test func isWithinTwoUnitsOfTheLibrary() {
        var worst = 0.0
        var x = 0.0
        while x >= Exponential.lowest {
            let expected = exponential(x)
            worst = max(worst, abs(Exponential.ofNonPositive(x) - expected) / expected.ulp)
            x -= 0.000_977
        }
        #expect(worst <= 2, "\(worst) units in the last place")
    }

    @Test func neverRisesAsTheArgumentFalls() {
        var previous = 1.0
        var x = 0.0
        var broken: Double?
        while x >= -51 {
            let value = Exponential.ofNonPositive(x)
            if value > previous { broken = x }
            previous = value
            x -= 0.003_1
        }
        #expect(broken == nil)
    }

    @Test func edges() {
        #expect(Exponential.ofNonPositive(0) == 1)
        #expect(Exponential.ofNonPositive(-0.0) == 1)
        #expect(Exponential.ofNonPositive(-Double.leastNonzeroMagnitude) == 1)
        #expect(Exponential.ofNonPositive(Exponential.lowest) > 0)
        #expect(Exponential.ofNonPositive(Exponential.lowest.nextDown) == 0)
        #expect(Exponential.ofNonPositive(-.infinity) == 0)
        #expect(Exponential.ofNonPositive(.nan) == 0)
    }
}
