internal import CFront

/// One counted reference to a C call. Its functions may be used from any thread, also after the end.
@safe
final class CallHandle: Sendable {
    /// The C side guards every function by the call's own mutex, and the reference keeps the memory.
    private nonisolated(unsafe) let call: OpaquePointer

    init(retaining call: OpaquePointer) {
        unsafe cf_call_retain(call)
        unsafe self.call = call
    }

    deinit {
        unsafe cf_call_release(call)
    }

    /// Gives the observer to C, which calls it on the loop thread and releases it after the end.
    func attach(_ observer: ExchangeObserver) {
        unsafe cf_call_observe(
            call,
            cf_observer(
                context: Unmanaged.passRetained(observer).toOpaque(),
                closed: { context, reason in
                    unsafe Unmanaged<ExchangeObserver>.fromOpaque(context).takeUnretainedValue()
                        .close(CloseReason(reason))
                },
                drained: { context in
                    unsafe Unmanaged<ExchangeObserver>.fromOpaque(context).takeUnretainedValue().drain()
                },
                release: { context in unsafe Unmanaged<ExchangeObserver>.fromOpaque(context).release() }))
    }

    func respond(status: Int, headers: [(String, String)], body: [UInt8]) -> Bool {
        unsafe withFields(headers) { fields, count in
            unsafe body.withUnsafeBytes { bytes in
                let body = unsafe cf_bytes(start: bytes.baseAddress, length: bytes.count)
                return unsafe cf_call_respond(call, Int32(clamping: status), fields, count, body) == CF_ANSWER_TAKEN
            }
        }
    }

    func startStream(status: Int, headers: [(String, String)]) -> Bool {
        unsafe withFields(headers) { fields, count in
            unsafe cf_call_start_stream(call, Int32(clamping: status), fields, count) == CF_ANSWER_TAKEN
        }
    }

    /// Bytes waiting for the client, or nil if the stream takes no more.
    func write(_ bytes: [UInt8]) -> Int? {
        let queued = unsafe bytes.withUnsafeBytes { bytes in
            unsafe cf_call_write(call, cf_bytes(start: bytes.baseAddress, length: bytes.count))
        }
        return queued < 0 ? nil : queued
    }

    func finish() {
        unsafe cf_call_finish(call)
    }

    func abort() {
        unsafe cf_call_abort(call)
    }

    /// Answers 500 unless there is an answer.
    func fail() {
        unsafe cf_call_fail(call)
    }

    /// Lends the headers as C fields that point into one block of bytes.
    private func withFields<Result>(
        _ headers: [(String, String)], _ body: (UnsafePointer<cf_field>?, Int) -> Result
    ) -> Result {
        var block: [UInt8] = []
        for (name, value) in headers {
            block += name.utf8
            block += value.utf8
        }
        return unsafe block.withUnsafeBytes { block in
            var cursor = 0
            func next(_ text: String) -> cf_bytes {
                let start = cursor
                cursor += text.utf8.count
                return unsafe cf_bytes(start: block.baseAddress.map { unsafe $0 + start }, length: text.utf8.count)
            }
            let fields = unsafe headers.map { name, value in unsafe cf_field(name: next(name), value: next(value)) }
            return unsafe fields.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
        }
    }
}
