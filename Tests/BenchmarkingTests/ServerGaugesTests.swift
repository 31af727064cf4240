import Testing

@testable import Benchmarking

@Suite struct ServerGaugesTests {
    @Test func gaugesAreReadFromTheText() {
        let reading = ServerGauges.Reading(
            prometheus: """
                # HELP keyhold_requests_running Sequences that hold cache memory.
                # TYPE keyhold_requests_running gauge
                keyhold_requests_running 3
                keyhold_requests_waiting 12
                keyhold_kv_pool_bytes{state="total"} 1048576
                keyhold_kv_pool_bytes{state="reserved"} 2048
                keyhold_kv_pool_bytes{state="used"} 1e3

                """)
        #expect(reading.running == 3 && reading.waiting == 12)
        #expect(reading.reservedBytes == 2048 && reading.usedBytes == 1000)
        #expect(!reading.isEmpty)
    }

    @Test func anotherServersTextIsEmpty() {
        #expect(ServerGauges.Reading(prometheus: "{}\nvllm:num_requests_running 1\n").isEmpty)
    }
}
