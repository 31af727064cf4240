internal import Glibc

/// What the running test process holds, from /proc.
public enum ProcessResources {
    /// Open descriptors.
    public static var openFileCount: Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        return count - 3  // ".", ".." and the listing itself
    }

    /// Resident memory in bytes.
    public static var residentBytes: Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var text = [CChar](repeating: 0, count: 256)
        guard unsafe fgets(&text, Int32(text.count), file) != nil else { return 0 }
        let fields = String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
    }

    /// Whether AddressSanitizer runs, which keeps freed memory: residentBytes then says nothing.
    public static var isAddressSanitized: Bool {
        unsafe dlsym(nil, "__asan_init") != nil
    }

    /// Lets the process open only so many descriptors. For processes of their own.
    public static func limitOpenFiles(to count: Int) {
        var limit = rlimit(rlim_cur: UInt(count), rlim_max: UInt(count))
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
