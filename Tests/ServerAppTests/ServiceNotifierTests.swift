import TestSupport
import Testing

@testable import ServerApp

@Suite struct ServiceNotifierTests {
    @Test(arguments: [true, false])
    func theManagerHearsOfEveryPhase(isAbstract: Bool) throws {
        let manager = try NotifySocket(isAbstract: isAbstract)
        let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name], processID: 1)
        notifier.status("loading\nREADY=1")
        #expect(manager.receive() == "STATUS=loading READY=1")
        notifier.ready("serving a")
        #expect(manager.receive() == "READY=1\nSTATUS=serving a")
        notifier.alive()
        #expect(manager.receive() == "WATCHDOG=1")
        notifier.stopping("draining")
        #expect(manager.receive() == "STOPPING=1\nSTATUS=draining")
    }

    @Test func theWatchdogIsForTheProcessThatItNames() {
        var environment = ["NOTIFY_SOCKET": "@a", "WATCHDOG_USEC": "2500000"]
        #expect(ServiceNotifier(environment: environment, processID: 7).watchdog == .milliseconds(2500))
        environment["WATCHDOG_PID"] = "8"
        #expect(ServiceNotifier(environment: environment, processID: 7).watchdog == nil)
        #expect(ServiceNotifier(environment: environment, processID: 8).watchdog == .milliseconds(2500))
        #expect(ServiceNotifier(environment: ["WATCHDOG_USEC": "1"], processID: 7).watchdog == nil)
    }

    @Test(arguments: [[:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "vsock:1"], ["NOTIFY_SOCKET": "/nonexistent/a"]])
    func withoutASocketNothingHappens(environment: [String: String]) {
        ServiceNotifier(environment: environment, processID: 1).ready("a")
    }

    @Test func anEngineThatStandsStillIsNotAlive() {
        #expect(WatchdogPings.isAlive(nil, after: nil) && WatchdogPings.isAlive(5, after: nil))
        #expect(WatchdogPings.isAlive(6, after: 5) && WatchdogPings.isAlive(nil, after: 5))
        #expect(!WatchdogPings.isAlive(5, after: 5))
    }

    @Test func pingsComeSeveralTimesInAPeriod() throws {
        let manager = try NotifySocket(isAbstract: true)
        let notifier = ServiceNotifier(
            environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "80000"], processID: 1)
        let pings = WatchdogPings(notifier) { nil }
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(manager.receive() == "WATCHDOG=1") }
        #expect(ContinuousClock.now - start < .seconds(5))
        withExtendedLifetime(pings) {}
    }
}
