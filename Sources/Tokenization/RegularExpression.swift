internal import CPCRE2

/// A compiled Perl-compatible pattern over UTF-8 with Unicode classes: the module's only unsafe code.
@safe final class RegularExpression: @unchecked Sendable, Equatable {
    // Sendable: PCRE2's compiled code is never written after compilation; each matcher has its own match data.
    private let code: OpaquePointer
    let pattern: String

    /// Throws when the pattern does not compile. `\C` is refused: a match must not cut a character. `^` and `$` match
    /// at every line, as in the tokenizers' own engines.
    init(_ pattern: String) throws(TokenizerError) {
        self.pattern = pattern
        let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
        var number: Int32 = 0
        var offset = 0
        let units = Array(try PatternDialect.translated(pattern).utf8)
        guard let code = unsafe pcre2_compile_8(units, units.count, options, &number, &offset, nil) else {
            throw .badPattern(pattern: pattern, offset: offset, reason: Self.message(number))
        }
        unsafe self.code = code
        // Where the machine has no just-in-time compiler the interpreter gives the same matches.
        _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    }

    deinit { unsafe pcre2_code_free_8(code) }

    static func == (left: RegularExpression, right: RegularExpression) -> Bool { left.pattern == right.pattern }

    /// Scratch for matching on one thread.
    func matcher() -> Matcher { Matcher(self) }

    private static func message(_ number: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let length = unsafe pcre2_get_error_message_8(number, &text, text.count)
        return String(decoding: text.prefix(Int(max(0, length))), as: UTF8.self)
    }

    /// Match data, stack and limits for one thread's use of a pattern.
    @safe final class Matcher {
        private let expression: RegularExpression
        private let data: OpaquePointer?
        private let context: OpaquePointer?
        private let stack: OpaquePointer?

        fileprivate init(_ expression: RegularExpression) {
            self.expression = expression
            unsafe data = pcre2_match_data_create_from_pattern_8(expression.code, nil)
            unsafe context = pcre2_match_context_create_8(nil)
            // The stack grows from 32 KiB on demand. Steps and heap are bounded so that a pattern that backtracks
            // without end gives up after seconds instead of hours.
            unsafe stack = pcre2_jit_stack_create_8(32 << 10, 64 << 20, nil)
            if let context = unsafe context {
                unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
                unsafe pcre2_set_match_limit_8(context, 50_000_000)
                unsafe pcre2_set_heap_limit_8(context, 512 << 10)
            }
        }

        deinit {
            unsafe pcre2_match_data_free_8(data)
            unsafe pcre2_match_context_free_8(context)
            unsafe pcre2_jit_stack_free_8(stack)
        }

        /// Matches within `range` from left to right, which neither look nor reach past it; some may be empty, but none
        /// that only touches the one before. `text` is valid UTF-8 and `range` lies on character borders. A match that
        /// exceeds the limits ends the search: the rest of the range has no matches.
        func matches(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
            guard let data = unsafe data else { return [] }
            precondition(range.lowerBound >= 0 && range.upperBound <= text.count, "\(range) is outside the text")
            var found: [Range<Int>] = []
            unsafe text.withUnsafeBufferPointer { buffer in
                guard let subject = unsafe buffer.baseAddress.map({ unsafe $0 + range.lowerBound }) else { return }
                var start = 0
                var end = -1
                while start <= range.count, let match = unsafe next(subject, range.count, from: start, data) {
                    start = match.upperBound
                    if match.isEmpty, match.upperBound == end {
                        start += 1
                        while start < range.count, unsafe subject[start] & 0xC0 == 0x80 { start += 1 }
                        continue
                    }
                    end = match.upperBound
                    found.append(match.lowerBound + range.lowerBound..<match.upperBound + range.lowerBound)
                }
            }
            return found
        }

        private func next(
            _ subject: UnsafePointer<UInt8>, _ length: Int, from start: Int, _ data: OpaquePointer
        ) -> Range<Int>? {
            // The caller vouches for UTF-8; checking it in every call would make splitting quadratic.
            let options = PCRE2_NO_UTF_CHECK
            var status = unsafe pcre2_match_8(expression.code, subject, length, start, options, data, context)
            if status == PCRE2_ERROR_JIT_STACKLIMIT {
                status = unsafe pcre2_match_8(
                    expression.code, subject, length, start, options | PCRE2_NO_JIT, data, context)
            }
            guard status >= 0, let vector = unsafe pcre2_get_ovector_pointer_8(data) else { return nil }
            let (lower, upper) = unsafe (vector[0], vector[1])
            // `\K` can place a match's start before the search or after its end.
            guard lower >= start, lower <= upper, upper <= length else { return nil }
            return lower..<upper
        }
    }
}
