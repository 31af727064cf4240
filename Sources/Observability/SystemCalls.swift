internal import Glibc

/// The libc calls of this module, each wrapped once; the only file here that touches unsafe constructs.
enum SystemCalls {
    /// A moment of the UTC calendar. `month` and `day` start at 1.
    struct CalendarTime: Equatable {
        var year, month, day, hour, minute, second: Int
    }

    /// Time since 1970.
    static func wallClock() -> (seconds: Int, nanoseconds: Int) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (time.tv_sec, time.tv_nsec)
    }

    /// The UTC calendar at `seconds` since 1970.
    static func calendar(seconds: Int) -> CalendarTime {
        var seconds = seconds
        var date = unsafe tm()
        unsafe gmtime_r(&seconds, &date)
        return unsafe CalendarTime(
            year: Int(date.tm_year) + 1900, month: Int(date.tm_mon) + 1, day: Int(date.tm_mday),
            hour: Int(date.tm_hour), minute: Int(date.tm_min), second: Int(date.tm_sec))
    }

    /// CPU time of all threads so far.
    static func processCPUSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Bytes of a page of memory.
    static func pageBytes() -> Int {
        Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Writes all bytes, or stops at the first error.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var start = 0
        while start < bytes.count {
            let written = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0 && errno == EINTR { continue }
            if written <= 0 { return }
            start += written
        }
    }

    /// The first 4 KiB of a file as text; nil where it cannot be read.
    static func firstPage(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// The number of entries of a folder, `.` and `..` included; nil where it cannot be read.
    static func entryCount(of folder: String) -> Int? {
        guard let handle = unsafe opendir(folder) else { return nil }
        defer { unsafe closedir(handle) }
        var count = 0
        while unsafe readdir(handle) != nil { count += 1 }
        return count
    }
}
