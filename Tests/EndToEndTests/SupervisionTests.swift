import Glibc
import JSON
import TestSupport
import Testing

/// The server under a service manager that speaks systemd's protocol.
@Suite struct SupervisionTests {
    @Test func theManagerHearsWhenItServesAndWhenItEnds() throws {
        let manager = try NotifySocket(isAbstract: false)
        let server = try ServerUnderTest(["--threads", "1"], environment: ["NOTIFY_SOCKET": manager.name])
        #expect(manager.receive() == "STATUS=loading the model")
        #expect(manager.receive() == "READY=1\nSTATUS=serving recall3M")
        server.send(SIGTERM)
        #expect(manager.receive() == "STOPPING=1\nSTATUS=draining")
        #expect(server.exitStatus(within: .seconds(20)) == 0)
    }

    /// Pings go on while there is work and while there is none.
    @Test func theWatchdogIsFed() throws {
        let manager = try NotifySocket(isAbstract: true)
        let server = try ServerUnderTest(
            ["--threads", "1"], environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "200000"])
        for work in [false, true] {
            if work { _ = try server.complete(["prompt": "a", "max_tokens": 50, "ignore_eos": true]) }
            // However slow the machine is.
            let end = ContinuousClock.now + .seconds(60)
            var pings = 0
            while pings < 3, ContinuousClock.now < end { if manager.receive() == "WATCHDOG=1" { pings += 1 } }
            #expect(pings == 3)
        }
        server.send(SIGTERM)
        #expect(server.exitStatus(within: .seconds(20)) == 0)
    }
}
