/// A tokenizer.json of the 256 bytes in GPT-2's alphabet.
enum ByteTokenizer {
    static let json: String = {
        var next: UInt32 = 256
        let members = (0..<256 as Range<UInt32>).map { byte in
            let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
            if !isPrintable { next += 1 }
            return "\"\\u\(hexadecimal(isPrintable ? byte : next - 1))\": \(byte)"
        }
        return #"{"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}, "decoder": {"type": "ByteLevel"},"#
            + #" "model": {"type": "BPE", "merges": [], "vocab": {"# + members.joined(separator: ", ") + "}}}"
    }()

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
