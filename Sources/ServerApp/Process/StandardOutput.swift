internal import Foundation

/// Standard output without a buffer, so that a reader at the other end of a pipe sees each text at once.
public enum StandardOutput {
    /// Writes all of `text`; a reader that is gone is no error.
    public static func write(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}

/// Standard error, for what is not the program's result.
public enum StandardError {
    public static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
