import Testing

@testable import Scheduling

@Suite struct SchedulerLimitsTests {
    @Test(arguments: ["max_sequences", "max_queued_sequences", "layer_count", "max_rows_per_step", "pool_bytes"])
    func aLimitOfZeroIsNamed(limit: String) {
        func value(_ name: String) -> Int { name == limit ? 0 : 5 }
        let error = #expect(throws: SchedulingError.self) {
            try SchedulerLimits(
                maxSequences: value("max_sequences"), maxQueuedSequences: value("max_queued_sequences"),
                layerCount: value("layer_count"), maxRowsPerStep: value("max_rows_per_step"),
                poolBytes: value("pool_bytes"))
        }
        #expect(error?.description.hasPrefix("\(limit) is 0; it must be 1 to ") == true)
    }

    @Test func aStepGrowsOnlyToKeepPromptsMoving() throws {
        let limits = try SchedulerLimits(
            maxSequences: 64, maxQueuedSequences: 1, layerCount: 10, maxRowsPerStep: 40, poolBytes: 1)
        #expect(limits.rowLayersPerStep == 400)
        #expect(limits.guaranteedPrefillRowLayers == 100)
        #expect(limits.mostRowLayers(decodeRows: 30) == 400)
        #expect(limits.mostRowLayers(decodeRows: 31) == 410)
        #expect(limits.mostRowLayers(decodeRows: 64) == 740)
        let small = try SchedulerLimits(
            maxSequences: 1, maxQueuedSequences: 1, layerCount: 10, maxRowsPerStep: 2, poolBytes: 1)
        #expect(small.guaranteedPrefillRowLayers == 10)
    }
}
