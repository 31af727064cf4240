/// A token's text for logprobs. Bytes that are not valid UTF-8 by themselves are shown as OpenAI does:
/// `bytes:\xe2\x80`. So is U+0000: texts are keys of `top_logprobs`, and common parsers refuse it in keys.
func tokenText(_ bytes: [UInt8]) -> String {
    if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) { return text }
    let escapes = bytes.map { "\\x" + ($0 < 0x10 ? "0" : "") + String($0, radix: 16) }
    return "bytes:" + escapes.joined()
}

/// A log probability as JSON can hold it: -9999 stands for "never", as in the OpenAI contract.
func wireLogprob(_ logprob: Double) -> Double { logprob > -9999 ? logprob : -9999 }
