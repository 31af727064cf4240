/// The metrics every Prometheus client library offers about its process, read from `/proc` at each scrape.
public enum ProcessMetrics {
    /// Registers resident memory, open descriptors, CPU seconds and start time.
    public static func register(in registry: MetricsRegistry) {
        registry.gauge("process_resident_memory_bytes", "Resident memory of the process.") {
            Double(residentBytes() ?? 0)
        }
        registry.gauge("process_open_fds", "Open file descriptors of the process.") {
            Double(openDescriptors() ?? 0)
        }
        registry.counter("process_cpu_seconds_total", "User and system CPU time of the process.") {
            SystemCalls.processCPUSeconds()
        }
        let now = SystemCalls.wallClock()
        let start = Double(now.seconds) + Double(now.nanoseconds) / 1e9
        registry.gauge("process_start_time_seconds", "When the server was put together, seconds since 1970.") { start }
    }

    /// Bytes of memory that are resident now; nil where `/proc` is missing.
    static func residentBytes() -> Int? {
        guard let text = SystemCalls.firstPage(of: "/proc/self/statm") else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * SystemCalls.pageBytes()
    }

    /// Open file descriptors; nil where `/proc` is missing.
    static func openDescriptors() -> Int? {
        // `.`, `..` and the descriptor that reads the folder are not counted.
        SystemCalls.entryCount(of: "/proc/self/fd").map { $0 - 3 }
    }
}
